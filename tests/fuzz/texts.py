"""Targets that read what a user types or writes."""

import json
from pathlib import Path

from adaptive_diffusion.config import check, compose, digest, instantiate, resolve
from adaptive_diffusion.config.composition import _below, _parse
from adaptive_diffusion.config.grid import combinations, listed
from adaptive_diffusion.tasks.editing import EditSpec
from adaptive_diffusion.tasks.sudoku.readers import read_puzzles
from adaptive_diffusion.tasks.text.edits import edit_layout
from adaptive_diffusion.tasks.text.query_files import read_texts
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer


def puzzles(data: bytes, folder: Path) -> None:
    path = folder / "puzzles.csv"
    path.write_bytes(data[1:])
    kind = data[0] if data else 0
    read_puzzles(path, (None, 4, 6, 9)[kind % 4], skip_bad=kind % 8 > 3)


def texts(data: bytes, folder: Path) -> None:
    path = folder / ("texts.jsonl" if data[:1] < b"m" else "text.txt")
    path.write_bytes(data[1:])
    read_texts(path, ByteTokenizer(), 32, skip_bad=data[:1] == b"a")


def spans(data: bytes, folder: Path) -> None:
    text = b"one\r\ntwo\n\xff\xfethree\n\n"
    kinds: dict[str, list[str]] = {"rewrite": [], "revise": [], "insert": [], "delete": []}
    for line in data.decode("utf-8", "surrogateescape").split("|"):
        name, _, value = line.partition(" ")
        kinds.get(name, kinds["rewrite"]).append(value)
    sequence = edit_layout(text, EditSpec(**kinds).changes(text), ByteTokenizer(), 16)
    assert len(sequence.tokens) <= 16
    sequence.text(sequence.tokens.tolist(), ByteTokenizer())


def overrides(data: bytes, folder: Path) -> None:
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    for line in lines:
        _parse(_below("sampler", line))
    for setting in combinations(lines[:3])[:100]:
        assert all(isinstance(override, str) for override in setting)


def lists(data: bytes, folder: Path) -> None:
    path = folder / "settings.txt"
    path.write_bytes(data)
    listed(path)


def composed(data: bytes, folder: Path) -> None:
    check(compose("quickstart", data.decode("utf-8", "surrogateescape").split("\n")))


def configs(data: bytes, folder: Path) -> None:
    plain = resolve(json.loads(data))
    digest(plain)
    check(plain)
    built = instantiate(plain, packages=("core.schedule", "core.corruption"))
    assert built is not None or plain is None
