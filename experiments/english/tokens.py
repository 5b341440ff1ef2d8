"""Learns a byte-pair vocabulary on the encyclopaedia's training texts and writes it as a tokeniser of transformers.

python experiments/english/tokens.py 1000 imported/english_1000
"""

import argparse
from pathlib import Path

from adaptive_diffusion.config import compose_part, instantiate
from adaptive_diffusion.tasks.text.collection import Collection

END = "<end>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", type=int, help="tokens, the end of a text among them")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    texts = [
        document.text for document in Collection(instantiate(compose_part("corpus", "encyclopaedia"))).splits["train"]
    ]
    learned(texts, options.size).save_pretrained(options.folder)
    print(f"{options.folder}: {options.size} tokens")


def learned(texts: list[bytes], size: int):
    """A byte-level byte-pair tokeniser of `size` tokens, learned on UTF-8 texts. It decodes what it encodes to
    the same bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    pairs = Tokenizer(models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pairs.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    pairs.train_from_iterator((text.decode("utf-8", "replace") for text in texts), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=pairs, eos_token=END)


if __name__ == "__main__":
    main()
