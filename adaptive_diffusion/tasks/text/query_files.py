"""Files of text with gaps: `<|24|>` stands for a gap of 24 tokens, which are open."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from adaptive_diffusion.tasks.lines import BadLines, read_text
from adaptive_diffusion.tasks.task import QueryFile
from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems, passage
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer

OPEN = re.compile(rb"<\|(\d{1,6})\|>")
#: What was meant for a mark and is none: a number with more around it, or a sign in its place.
NEARLY = re.compile(rb"<\|[\s_.,+-]*[\d*?][\s\d*?_.,+-]*\|>")
LINES, OBJECTS = ".lines", ".jsonl"
INFILLING = ("prompt", "canonical_solution")
FORMS = 'write {"text": "… <|24|> …"}, or {"prompt", "suffix", "canonical_solution"} as in HumanEval-Infilling'


def read_texts(
    path: Path | str, tokenizer: Tokenizer, length: int, skip_bad: bool = False, lines: bool = False
) -> QueryFile:
    """The texts of a file, which may be compressed by gzip.

    Each object of a `.jsonl` file has a text with gaps under `text`, or is a row of HumanEval-Infilling
    (Bavarian et al. 2022, arXiv 2207.14255), whose `canonical_solution` is open between `prompt` and `suffix`; rows
    that do not fit are counted and left out. Any other file is one text, or a text per line where its name ends in
    `.lines` or `lines` is set.

    Raises:
        ValueError: a path that is no file, a file without a text that can be used, and, unless `skip_bad`, bad lines:
            texts without a gap, or too long.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is no file; give a text with gaps, <|24|> for 24 tokens, or .jsonl of such")
    content, notes = read_text(path), []
    if _is_one_text(path, content, lines, notes):
        try:
            return QueryFile(marked_text(content, tokenizer, length), notes=tuple(notes))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    taken, too_long, bad = [], [], BadLines(path)
    objects = path.name.removesuffix(".gz").endswith(OBJECTS)
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            taken.append(_query(json_object(line) if objects else line, tokenizer, length))
        except TooLongError as error:
            too_long.append(error.tokens)
        except ValueError as error:
            bad.add(number, str(error))
    if too_long:
        notes.append(
            f"{len(too_long)} of {len(taken) + len(too_long)} infilling problems do not fit {length} tokens and are "
            f"left out; the longest has {max(too_long)}."
        )
    if not taken:
        why = "; ".join([f"{path} holds no text that can be used", *notes])
        raise ValueError(why.removesuffix(".") + bad.listing())
    skipped = tuple(map(str, bad.settled(skip_bad)))
    return QueryFile(InfillingProblems.concatenate(taken), skipped, tuple(notes))


def marked_text(text: bytes, tokenizer: Tokenizer, length: int) -> InfillingProblems:
    """A passage from a text with marks.

    Raises:
        ValueError: no mark, one without a plain number, a gap of no token, or more tokens than the sequence holds.
    """
    parts = OPEN.split(text)
    if wrong := next(filter(None, map(NEARLY.search, parts[::2])), None):
        raise ValueError(f"{wrong[0].decode()!r} marks no gap; write a number of tokens alone, such as <|24|>")
    if len(parts) == 1:
        raise ValueError("nothing is open; mark what is to be written, such as <|24|> for 24 tokens")
    counts = [int(part) for part in parts[1::2]]
    if min(counts) == 0 or sum(counts) > length:
        raise ValueError(f"gaps of {counts} tokens; each has at least 1, all together at most {length}")
    pieces = [(tokenizer.encode(parts[0]), False)]
    for count, given in zip(counts, parts[2::2], strict=True):
        pieces += [(np.full(count, tokenizer.end), True), (tokenizer.encode(given), False)]
    size = sum(len(piece) for piece, _ in pieces)
    return passage(pieces, length, tokenizer.end, scope=(0, size), known=False)


def infilling_problem(row: Mapping[str, Any], tokenizer: Tokenizer, length: int) -> InfillingProblems:
    """A row of HumanEval-Infilling, whose `canonical_solution` is open between `prompt` and `suffix`.

    Raises:
        TooLongError: more tokens than the sequence holds.
        ValueError: a field that is no text, or a solution of no token.
    """
    prompt, solution = (tokenizer.encode(_field(row, name)) for name in INFILLING)
    suffix = tokenizer.encode(_field(row, "suffix")) if "suffix" in row else prompt[:0]
    if (size := len(prompt) + len(solution) + len(suffix)) > length:
        raise TooLongError(size)
    if not len(solution):
        raise ValueError("its canonical_solution is empty, so nothing is open; leave it out")
    return passage([(prompt, False), (solution, True), (suffix, False)], length, tokenizer.end, scope=(0, size))


class TooLongError(ValueError):
    """A row of so many tokens."""

    def __init__(self, tokens: int):
        super().__init__(f"it has {tokens} tokens")
        self.tokens = tokens


def _query(content: bytes | Mapping[str, Any], tokenizer: Tokenizer, length: int) -> InfillingProblems:
    if isinstance(content, bytes):
        return marked_text(content, tokenizer, length)
    if "text" in content or not any(name in content for name in (*INFILLING, "suffix")):
        return marked_text(_field(content, "text"), tokenizer, length)
    return infilling_problem(content, tokenizer, length)


def _field(row: Mapping[str, Any], name: str) -> bytes:
    if name not in row:
        fields = f"the fields are {', '.join(map(str, row))}" if row else "and no other field"
        raise ValueError(f"there is no text under {name!r}, {fields}; {FORMS}")
    if not isinstance(row[name], str):
        raise ValueError(f"{name!r} is {row[name]!r:.40}, which is no text; {FORMS}")
    return row[name].encode("utf-8", "surrogatepass")


def _is_one_text(path: Path, content: bytes, lines: bool, notes: list[str]) -> bool:
    """Whether a file is one text, and not one on each line; where that may be a mistake, a note is added."""
    suffixes = Path(path.name.removesuffix(".gz")).suffixes
    one = not lines and LINES not in suffixes and suffixes[-1:] != [OBJECTS]
    if one and sum(OPEN.search(line) is not None for line in content.splitlines()) > 1:
        notes.append(f"{path} is one text with several gaps; for a text per line, let the file's name end in {LINES}.")
    return one


def json_object(line: bytes) -> dict[str, Any]:
    """The object on a line of a `.jsonl` file.

    Raises:
        ValueError: no JSON, or another value than an object.
    """
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON ({error}); {FORMS}") from error
    if not isinstance(found, dict):
        raise ValueError(f"it is no JSON object; {FORMS}")
    return found
