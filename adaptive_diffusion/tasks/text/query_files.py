"""Files of text with open places: `<|24|>` stands for 24 open tokens."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from adaptive_diffusion.tasks.task import QueryFile
from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems, passage
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer

OPEN = re.compile(rb"<\|(\d{1,6})\|>")


def read_texts(path: Path | str, tokenizer: Tokenizer, length: int, skip_bad: bool = False) -> QueryFile:
    """The texts of a file: each object of a `.jsonl` file has one under "text", any other file is one.

    Raises:
        ValueError: a path that is no file, and, unless `skip_bad`, a text without an open place or too long.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is no file; give a text with open places, <|24|> for 24 tokens, or .jsonl of such")
    taken, skipped = [], []
    for name, text in _texts(path):
        try:
            taken.append(asked(text, tokenizer, length))
        except ValueError as error:
            if not skip_bad:
                raise ValueError(f"{name}: {error}") from error
            skipped.append(f"{name}: {error}")
    if not taken:
        raise ValueError(f"{path} holds no text that can be used")
    return QueryFile(InfillingProblems.concatenate(taken), tuple(skipped))


def asked(text: bytes, tokenizer: Tokenizer, length: int) -> InfillingProblems:
    """A passage from a text with marks.

    Raises:
        ValueError: no mark, an open place of no token, or more tokens than the sequence holds.
    """
    parts = OPEN.split(text)
    if len(parts) == 1:
        raise ValueError("nothing is open; mark what is to be written, such as <|24|> for 24 tokens")
    counts = [int(part) for part in parts[1::2]]
    if min(counts) == 0 or sum(counts) > length:
        raise ValueError(f"open places of {counts} tokens; each has at least 1, all together at most {length}")
    pieces = [(tokenizer.encode(parts[0]), False)]
    for count, kept in zip(counts, parts[2::2], strict=True):
        pieces += [(np.full(count, tokenizer.end), True), (tokenizer.encode(kept), False)]
    return passage(pieces, length, tokenizer.end, known=False)


def _texts(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix != ".jsonl":
        yield str(path), path.read_bytes()
        return
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if line.strip():
            yield f"{path}, line {number}", _text_of(line)


def _text_of(line: bytes) -> bytes:
    try:
        return json.loads(line)["text"].encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return b""
