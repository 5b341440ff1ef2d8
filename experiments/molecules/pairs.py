"""Learns byte pairs of atoms, bonds, branches and ring closures on every tenth training string of MOSES and writes them
as a task config.

python experiments/molecules/pairs.py molsets-0.3.1-py3-none-any.whl --out configs/task/molecules_moses_pairs.yaml
"""

import argparse
import json
import textwrap
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.tasks.molecules import Moses
from adaptive_diffusion.tasks.molecules.tokenizer import SYMBOLS, pieces

EVERY = 10
FIRST = 0x4E00
"""The code point that stands for the first symbol while pairs are learned: each symbol is to be one character."""
CONFIG = """\
# MOSES with {tokens:,} tokens of one or several symbols, as byte pairs that experiments/molecules/pairs.py learned:
# seven of them in a string on average, where there were 35.
defaults: [molecules_moses, _self_]
length: 14 # of 1,000 strings 999 fit
tokenizer:
  _target_: adaptive_diffusion.tasks.molecules.tokenizer.LongestMatchTokenizer
  alphabet: [
{alphabet}
  ]
"""


def learned(strings: Iterable[str], size: int) -> list[str]:
    """`size` tokens: the symbols that canonical strings consist of, and what byte-pair encoding joins, in its order."""
    from tokenizers import Tokenizer, models, trainers

    character = {symbol: chr(FIRST + number) for number, symbol in enumerate(SYMBOLS)}
    symbol = {shown: symbol for symbol, shown in character.items()}
    known = (cut for smiles in strings if character.keys() >= set(cut := pieces(smiles)))
    pairs = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=list(symbol), show_progress=False)
    pairs.train_from_iterator(("".join(map(character.__getitem__, cut)) for cut in known), trainer)
    number = pairs.get_vocab()
    return ["".join(map(symbol.__getitem__, token)) for token in sorted(number, key=number.__getitem__)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", help="what pip download --no-deps molsets==0.3.1 gave")
    parser.add_argument("--tokens", type=int, default=1000, help="size of the vocabulary, the end among them")
    parser.add_argument("--out", type=Path, required=True, help="the task config to be written")
    options = parser.parse_args()
    training, _ = Moses(options.wheel).strings()
    alphabet = learned(islice(training, 0, None, EVERY), options.tokens - 1)
    shown = textwrap.fill(", ".join(map(json.dumps, alphabet)), 112, break_long_words=False, break_on_hyphens=False)
    content = CONFIG.format(tokens=options.tokens, alphabet=textwrap.indent(shown, "    "))
    atomic_write_file(options.out, content)
    print(f"{options.out}: {len(alphabet):,} tokens and the end")


if __name__ == "__main__":
    main()
