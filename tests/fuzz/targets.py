"""What is fuzzed: functions of bytes that may refuse them with a `ValueError`, and do nothing else that is unforeseen.

`make fuzz` throws mutations of the seeds at each; what fails goes to `tests/fuzz/corpus/TARGET`, which the default
suite plays again.
"""

import gzip
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz.files import checkpoint, checkpoints, run_folder, source, sources, trace_bytes, trace_columns, traces
from fuzz.mutations import mutated
from fuzz.rules import rules
from fuzz.texts import composed, configs, lists, overrides, puzzles, spans, texts

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Target:
    """A function of bytes and a scratch folder, seeds to mutate, and how many cases it gets beside the others."""

    run: Callable[[bytes, Path], Any]
    seeds: Callable[[], Sequence[bytes]]
    weight: int = 1


LINEAR = "adaptive_diffusion.core.schedule.Linear"
TARGETS = {
    "puzzles": Target(
        puzzles,
        lambda: [
            b"\0puzzle,solution\n1234341221434321,1234341221434321\n",
            b"\4# a comment\n.2343412214343.1:3:1234341221434321\n\n" + b"1,2,3,4," * 4 + b"\n",
            b"\3" + b"." * 81 + b"\n",
            b"\5Grid 01\n1234\n3412\n2143\n4321\n[Puzzle]\n1.|..\n--+--\n..|.1\n..|..\n2.|..\n[State]\n1234\n",
            b"\4source;question;answer;rating\nweb;12343412.1434321;1234341221434321;1.5\n",
            b"\00003dee9a75 1234341221434321  1.2\n1 2 3 4 3 4 1 2 2 1 4 3 4 3 2 1\n",
            b"\4" + gzip.compress(b"1234341221434321\n" * 20, mtime=0),
        ],
        6,
    ),
    "texts": Target(
        texts,
        lambda: [b'j{"text": "def f(<|3|>):"}\n\n{"text": 3}\n', b"tone <|4|> two <|12|>", b'a{"text": "<|9|>"}\n[]\n'],
        8,
    ),
    "spans": Target(
        spans,
        lambda: [b"rewrite 0:3|delete 5:6", b"rewrite 1-2=3", b"insert start+3|insert end+2", b"revise 3-4|insert 3+0"],
        12,
    ),
    "overrides": Target(
        overrides,
        lambda: [b"pace.threshold=0.5,0.9", b"seed=range(0,3)\n+a.b=[1,2]", b"~order\na={b: 'c d'}", b"x=choice(1,2)"],
        2,
    ),
    "lists": Target(lists, lambda: [b"seed=1 a='b c'\n# none\nseed=2,3\n", b"x=[1,2]\n"], 2),
    "composed": Target(composed, lambda: [b"model.depth=6", b"stages.report=null\nseed=3", b"task=sudoku_4x4"], 0),
    "configs": Target(
        configs,
        lambda: [
            json.dumps(value).encode()
            for value in (
                {"_target_": LINEAR},
                {"a": [{"_target_": LINEAR, "_partial_": True}], "b": "${a[0]}"},
                {
                    "_target_": "adaptive_diffusion.core.corruption.Absorbing",
                    "_args_": [3],
                    "schedule": {"_target_": LINEAR},
                },
            )
        ],
        4,
    ),
    "checkpoint": Target(checkpoint, checkpoints, 3),
    "source": Target(source, sources, 1),
    "run_folder": Target(
        run_folder, lambda: [b'traces/a.parquet\n{"a": [1, null]}', b"../x\n{", b"a/b/../c\n1e999"], 8
    ),
    "trace_bytes": Target(trace_bytes, traces, 1),
    "trace_columns": Target(trace_columns, lambda: [b"columns"], 1),
    "rules": Target(rules, lambda: [b"rules"], 2),
}
DRAWN = {"trace_columns", "rules"}
"""Targets that draw from their bytes, which are a seed."""


def case(target: str, number: int, seed: int) -> bytes:
    """The bytes of a case."""
    draw = random.Random(f"{seed} {target} {number}")
    if target in DRAWN:
        return f"{seed} {number}".encode()
    return mutated(draw.choice(TARGETS[target].seeds()), draw)


def outcome(target: str, data: bytes, folder: Path) -> str:
    """`taken` or `refused`.

    Raises:
        Exception: whatever else the target does, which is a defect.
    """
    try:
        TARGETS[target].run(data, folder)
    except ValueError:
        return "refused"
    return "taken"
