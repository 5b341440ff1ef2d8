"""Checkpoints of other programs become config.json, safetensors and a card; nothing of them is executed.

`pickled` reads a pickle into plain values and tensors, `state_dict` finds the weights in it, `names` maps their names,
`architecture` compares them with the model of a config, `packages` gets the files of a known package,
`symbol_tokenizer` writes a tokenizer of single characters, `convert` writes the folder.
"""
