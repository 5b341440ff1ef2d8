"""What is fuzzed: functions of bytes that may refuse them with a `ValueError`, and do nothing else that is unforeseen.

`make fuzz` throws mutations of the seeds at each; what fails goes to `tests/fuzz/corpus/TARGET`, which the default
suite plays again.
"""

import gzip
import io
import json
import random
import struct
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import save
from synthetic_traces import Row, commit, record, revoke

from adaptive_diffusion.analysis.metrics import measure
from adaptive_diffusion.config import check, compose, digest, instantiate, resolve
from adaptive_diffusion.config.composition import _below, _parse
from adaptive_diffusion.config.grid import combinations, listed
from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.trace import HEADER_KEY, SHARDS_KEY, VERSION, VERSION_KEY, read_trace
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.step import step
from adaptive_diffusion.storage.checkpoint import load_checkpoint
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.tasks.editing import EditSpec
from adaptive_diffusion.tasks.sudoku.readers import read_puzzles
from adaptive_diffusion.tasks.text.edits import edit_layout
from adaptive_diffusion.tasks.text.query_files import read_texts
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer

CORPUS = Path(__file__).parent / "corpus"
WORDS = [
    *(
        b"0",
        b"-1",
        b"1e999",
        b"NaN",
        b"Infinity",
        b"null",
        b"true",
        b"9" * 30,
        b"9" * 5000,
        b"\0",
        b"\xff",
        b"\xed\xa0\x80",
    ),
    *(b"../", b"/etc/passwd", b"_target_", b"_args_", b"_partial_", b"_recursive_", b"os.system", b"builtins.eval"),
    *(b"${", b"}", b"${oc.env:HOME}", b"${a}", b"???", b"[" * 200, b"{" * 200, b"(", b'"', b"'", b"\\", b"\n", b"\r"),
    *(
        b",",
        b":",
        b"=",
        b"+",
        b"~",
        b"@",
        b"!!python/name:os.system",
        b"&a",
        b"*a",
        b"<script>",
        b"range(0,1000000000)",
    ),
]


@dataclass(frozen=True)
class Target:
    """A function of bytes and a scratch folder, seeds to mutate, and how many cases it gets beside the others."""

    run: Callable[[bytes, Path], Any]
    seeds: Callable[[], Sequence[bytes]]
    weight: int = 1


def mutated(seed: bytes, draw: random.Random) -> bytes:
    """A few random changes of a seed: bytes flipped, cut, doubled, or a word put in."""
    data = bytearray(seed)
    for _ in range(draw.choice((0, 1, 1, 2, 3, 8))):
        at = draw.randrange(len(data) + 1)
        end = min(len(data), at + draw.choice((1, 2, 8, 64)))
        change = draw.randrange(5)
        if change == 0:
            data[at:end] = draw.randbytes(end - at)
        elif change == 1:
            del data[at:end]
        elif change == 2:
            data[at:at] = data[at:end] * draw.choice((1, 2, 50))
        else:
            data[at : at if change == 3 else end] = draw.choice(WORDS)
    return bytes(data)


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
        name, _, wish = line.partition(" ")
        kinds.get(name, kinds["rewrite"]).append(wish)
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
    built = instantiate(plain, rooms=("core.schedule", "core.corruption"))
    assert built is not None or plain is None


def checkpoint(data: bytes, folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(data)
    load_checkpoint(path)


def source(data: bytes, folder: Path) -> None:
    """Config and task as JSON; the weights are sound."""
    config, _, task = data.partition(b"\n")
    path = folder / "source.safetensors"
    about = b'{"task": ' + task + b"}"
    output = {
        "format": "adaptive-diffusion/1",
        "config": config.decode("utf-8", "replace"),
        "about": about.decode("utf-8", "replace"),
    }
    path.write_bytes(save(_sound()[1], output))
    load_trained_model(path)


def run_folder(data: bytes, folder: Path) -> None:
    name, _, content = data.decode("utf-8", "surrogateescape").partition("\n")
    held = RunFolder(folder / "run")
    path = held.file(name)
    assert path.resolve().is_relative_to((folder / "run").resolve())
    (folder / "some.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    RunFolder(folder).read_json("some.json")


def trace_bytes(data: bytes, folder: Path) -> None:
    """The files of a trace, behind each other, each with its length."""
    place, names = folder / "trace", ("events", "steps", "rows")
    place.mkdir(exist_ok=True)
    for name in names:
        size = struct.unpack("<I", data[:4].ljust(4, b"\0"))[0]
        (place / f"{name}-00000.parquet").write_bytes(data[4 : 4 + size])
        data = data[4 + size :]
    measure("fuzz", read_trace(place))


def trace_columns(data: bytes, folder: Path) -> None:
    """A sound trace, some of whose numbers are others."""
    draw, place = random.Random(data), folder / "columns"
    trace = _trace()
    place.mkdir(exist_ok=True)
    for name in ("events", "steps", "rows"):
        table = getattr(trace, name)
        for _ in range(draw.choice((0, 1, 1, 2))):
            index = draw.randrange(table.num_columns)
            values, at = table.column(index).to_pylist(), draw.randrange(max(1, table.num_rows))
            odd = [None, 0, -1, 1, 2**30, True, 0.5, float("nan"), "commit", "x", [], [1], [1, None], [-5] * 4]
            values[at : at + 1] = [draw.choice(odd)] * draw.choice((1, 1, 1, 0, 2))
            values = (values * 2)[: table.num_rows]
            try:
                column = pa.array(values, table.schema.field(index).type)
            except (pa.ArrowException, TypeError, OverflowError):
                continue
            table = table.set_column(index, table.schema.field(index), column)
        header = trace.header.to_json()
        if draw.random() < 0.3:
            start = draw.randrange(len(header))
            header = header[:start] + draw.choice(("", "0", "null", "{", "9" * 9)) + header[start + draw.randrange(9) :]
        metadata = {VERSION_KEY: VERSION.encode(), SHARDS_KEY: b"1", HEADER_KEY: header.encode()}
        pq.write_table(table.replace_schema_metadata(metadata), place / f"{name}-00000.parquet")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        measure("fuzz", read_trace(place))


def rules(data: bytes, folder: Path) -> None:
    """Any combination of rules on a state that no sampler led to."""
    from any_rules import HALTING, ORDERS, PACES, PLANS, PROCESSORS, REMASKING, Hashing, K, L

    from adaptive_diffusion.rules.composed import Composed
    from adaptive_diffusion.rules.proposal import Argmax, Draw
    from adaptive_diffusion.sampling import Sampler

    draw = random.Random(data)
    corruption = draw.choice([Absorbing(K), Uniform(K)])

    def one(parts: list) -> Any:
        return draw.choice([part for part in parts if corruption.kind in part.corruptions])

    plan = one(PLANS) if draw.random() < 0.3 else Composed(one(ORDERS), one(PACES), one(REMASKING))
    sampler = Sampler(
        Hashing(corruption, 1),
        proposal=draw.choice([Argmax(), Draw(), Draw(0.5)]),
        halting=one(HALTING),
        plan=plan,
        processors=tuple(one(PROCESSORS) for _ in range(draw.randrange(2))),
        block_length=draw.choice([None, 1, 4]),
    )
    generator = torch.Generator().manual_seed(draw.randrange(2**31))

    def coin(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator) < draw.choice((0.0, 0.3, 0.7, 1.0))

    def number(limit: int, *shape: int) -> torch.Tensor:
        return torch.randint(limit, shape, generator=generator)

    from adaptive_diffusion.core.query import Queries

    count = draw.randrange(1, 4)
    state = sampler.begin(Queries.of(number(K, count, L), coin(count, L)), number(3, count), draw.randrange(2**40))
    editable = state.editable
    committed = editable & coin(count, L)
    tokens = torch.where(committed, number(K, count, L), state.tokens)
    steps = number(draw.choice((1, 9, 300)), count)
    state = replace(
        state,
        tokens=tokens,
        committed=committed,
        commit_probability=torch.rand(count, L, generator=generator) * committed,
        revisions=number(draw.choice((1, 9, 300)), count, L).int() * committed,
        step=steps,
        noise_level=torch.rand(count, generator=generator).double().where(coin(count), 0.0),
    )
    done = step(sampler, state, draw.choice((1, 5, 10**6)))
    assert torch.equal(done.after.tokens[~editable], tokens[~editable])
    assert torch.equal(done.after.tokens[~state.running], tokens[~state.running])
    assert ((done.after.halt_reason >= 0) & (done.after.halt_reason < 9)).all()


@cache
def _sound() -> tuple[dict[str, Any], dict[str, torch.Tensor], dict[str, Any]]:
    from hostile_files import sound_model

    network, tensors, task = sound_model()
    return network, {name: value.clone() for name, value in tensors.items()}, task


@cache
def _trace() -> Any:
    rows = [
        Row(
            [-1, 1, -1],
            [[commit(0, 0)], [revoke(0, 0)], [commit(0, 2), commit(2, 1)]],
            target=[2, 1, 1],
            difficulty=1.0,
        ),
        Row([-1, -1, 0], [[commit(0, 2), commit(1, 1)]], target=[2, 1, 0], query=1, difficulty=0.0),
    ]
    with TemporaryDirectory() as folder:
        return record(Path(folder), rows)


def _checkpoints() -> list[bytes]:
    config, tensors, task = _sound()
    output = {"format": "adaptive-diffusion/1", "config": json.dumps(config), "about": json.dumps({"task": task})}
    return [save(tensors, output), save({"a": torch.zeros(1)}, output), save({})]


def _traces() -> list[bytes]:
    trace, parts = _trace(), []
    header = trace.header.to_json().encode()
    metadata = {VERSION_KEY: VERSION.encode(), SHARDS_KEY: b"1", HEADER_KEY: header}
    for name in ("events", "steps", "rows"):
        file = io.BytesIO()
        pq.write_table(getattr(trace, name).replace_schema_metadata(metadata), file)
        parts += [struct.pack("<I", len(file.getvalue())), file.getvalue()]
    return [b"".join(parts)]


def _sources() -> list[bytes]:
    config, _, task = _sound()
    return [b"\n".join(json.dumps(part).encode() for part in (config, task))]


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
    "checkpoint": Target(checkpoint, _checkpoints, 3),
    "source": Target(source, _sources, 1),
    "run_folder": Target(
        run_folder, lambda: [b'traces/a.parquet\n{"a": [1, null]}', b"../x\n{", b"a/b/../c\n1e999"], 8
    ),
    "trace_bytes": Target(trace_bytes, _traces, 1),
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
