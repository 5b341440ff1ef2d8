"""Pickles, and files, run folders and traces that are not what they should be."""

import json
import pickle
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from hostile.case import CODE, SHELL, Hostile, forge, sound_model
from omegaconf import OmegaConf
from synthetic_traces import Row, commit, record

from adaptive_diffusion.config import compose, resolve
from adaptive_diffusion.config.search import ConfigSearch


class Bomb:
    """What a pickle would run."""

    def __reduce__(self):
        return eval, (CODE,)


def pickles(folder: Path) -> Iterator[Hostile]:
    """Files that are no safetensors file, pickles above all."""
    sound, tensors, task = sound_model()
    place = folder / "damaged"
    about = {"format": "adaptive-diffusion/1", "about": {"task": task}}
    forge(place / "sound.safetensors", sound, tensors, about)
    complete = (place / "sound.safetensors").read_bytes()
    size = struct.unpack("<Q", complete[:8])[0]

    def headed(header: Any) -> bytes:
        text = json.dumps(header).encode() if not isinstance(header, bytes) else header
        return struct.pack("<Q", len(text)) + text + complete[8 + size :]

    tensor = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    torch.save({"model": Bomb()}, place / "torch.bin")
    for name, content in {
        "pickle": pickle.dumps(Bomb()),
        "torch": (place / "torch.bin").read_bytes(),
        "empty": b"",
        "text": b"weights" * 1000,
        "seven-bytes": complete[:7],
        "half-a-header": complete[: 8 + size // 2],
        "no-data": complete[: 8 + size],
        "data-cut": complete[:-1],
        "data-too-long": complete + b"\0",
        "header-of-exabytes": struct.pack("<Q", 2**63) + complete[8:],
        "header-no-json": headed(b"{" * 100),
        "header-no-text": headed(b"\xff\xfe" * 50),
        "offsets-beyond": headed({"a": tensor | {"data_offsets": [0, 2**62]}}),
        "offsets-backwards": headed({"a": tensor | {"data_offsets": [8, 0]}}),
        "offsets-overlap": headed({"a": tensor, "b": tensor}),
        "shape-too-large": headed({"a": tensor | {"shape": [2**40, 2**40]}}),
        "shape-negative": headed({"a": tensor | {"shape": [-2]}}),
        "dtype-unknown": headed({"a": tensor | {"dtype": "PICKLE"}}),
    }.items():
        (place / f"{name}.safetensors").write_bytes(content)
        yield Hostile(
            f"file {name}", ("evaluate", f"damaged/{name}.safetensors", "--queries", "puzzles.txt"), "damaged"
        )
    (place / "torch.ckpt").write_bytes(pickle.dumps(Bomb()))
    yield Hostile("file torch.ckpt", ("sample", "damaged/torch.ckpt", "--queries", "puzzles.txt"), "damaged")
    yield Hostile("import of a pickle", ("import", "damaged/torch.bin", "imported"), "names builtins.eval")
    yield Hostile("export of a pickle", ("export", "damaged/torch.ckpt", "exported"), "damaged")
    yield Hostile("sweep over a pickle", ("ablate", "damaged/torch.ckpt", "sampler=margin"), "damaged")
    (place / "run" / "checkpoints").mkdir(parents=True)
    shutil.copy(place / "torch.bin", place / "run" / "checkpoints" / "denoiser.safetensors")
    yield Hostile("run of a pickle", ("evaluate", "damaged/run", "--queries", "puzzles.txt"), "damaged")


def run_folders(folder: Path) -> Iterator[Hostile]:
    """Run folders in which somebody else wrote what the next command reads."""
    sound = "# @package _global_\nstages:\n  a: {_target_: adaptive_diffusion.runs.stages.Report, title: x}\n"
    (folder / "configs" / "experiment" / "sound.yaml").write_text(sound)
    composed = resolve(compose("sound", search=ConfigSearch.of([folder / "configs"])))
    complete, other = (
        OmegaConf.to_yaml(OmegaConf.create({**composed, "seed": seed})) for seed in (composed["seed"], 9)
    )
    for name, files, reason in [
        ("python-tag", {"config.yaml": f"seed: !!python/object/apply:os.system ['{SHELL}']\n"}, "damaged"),
        ("no-yaml", {"config.yaml": "{"}, "damaged"),
        ("a-list", {"config.yaml": "[1]"}, "damaged"),
        ("laughs", {"config.yaml": "a: &a [1, 1]\nb: [*a, *a]\n"}, "holds aliases"),
        ("not-text", {"config.yaml": "\0"}, "damaged"),
        ("another", {"config.yaml": other}, "another config"),
        ("mark-is-a-list", {"config.yaml": complete, "stages/a.json": "[]"}, "damaged"),
        ("mark-is-no-json", {"config.yaml": complete, "stages/a.json": "{"}, "damaged"),
        ("mark-says-nothing", {"config.yaml": complete, "stages/a.json": '{"digest": 1}'}, "damaged"),
        ("manifest-is-a-list", {"config.yaml": complete, "manifest.json": "[]"}, "damaged"),
    ]:
        for file, content in files.items():
            path = folder / "taken" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        yield Hostile(f"run folder {name}", ("run", "sound", "--folder", f"taken/{name}"), reason)


def traces(folder: Path) -> Iterator[Hostile]:
    """Run folders whose traces are of another version, cut, or speak of what cannot be."""
    row = Row([-1, 1], [[commit(0, 0)], []], target=[0, 1])
    record(folder / "traced" / "traces" / "one", [row])

    def table(name: str, change: Any) -> Any:
        def write(run: Path) -> None:
            path = run / "traces" / "one" / f"{name}-00000.parquet"
            before = pq.read_table(path)
            after = change(before)
            pq.write_table(after.replace_schema_metadata(after.schema.metadata or before.schema.metadata), path)

        return write

    def column(name: str, key: str, values: list) -> Any:
        def change(before: pa.Table) -> pa.Table:
            index = before.schema.get_field_index(key)
            return before.set_column(index, before.schema.field(key), pa.array(values, before.schema.field(key).type))

        return table(name, change)

    def marked(key: bytes, value: bytes) -> Any:
        return table("events", lambda before: before.replace_schema_metadata(before.schema.metadata | {key: value}))

    def header(value: bytes) -> Any:
        key = b"adaptive_diffusion_trace_header"
        return table("rows", lambda before: before.replace_schema_metadata(before.schema.metadata | {key: value}))

    def cut(run: Path) -> None:
        path = run / "traces" / "one" / "steps-00000.parquet"
        path.write_bytes(path.read_bytes()[:-7])

    def pickled(run: Path) -> None:
        (run / "traces" / "one" / "rows-00000.parquet").write_bytes(pickle.dumps(Bomb()))

    def output(text: str) -> Any:
        return lambda run: (run / "summary.json").write_text(text)

    renamed = pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), ["<script>"])
    for name, write, reason in [
        ("another-version", marked(b"adaptive_diffusion_trace", b"1"), "a trace of version 1, this program reads 2"),
        ("version-no-text", marked(b"adaptive_diffusion_trace", b"\xff"), "this program reads 2"),
        ("shards-missing", marked(b"adaptive_diffusion_trace_shards", b"7"), "1 of its 7 events shards"),
        ("shards-no-number", marked(b"adaptive_diffusion_trace_shards", b"x"), "closing shard"),
        ("column-missing", table("rows", lambda before: before.drop_columns(["nfe"])), "does not have the columns"),
        ("header-missing", header(b""), "the header is damaged"),
        ("header-of-code", header(b'{"explanation": "{x.__class__}"}'), "the header is damaged"),
        ("cut", cut, "truncated or not Parquet"),
        ("pickle", pickled, "truncated or not Parquet"),
        ("position-beyond", column("events", "position", [2]), "events outside their rows"),
        ("position-negative", column("events", "position", [-1]), "events outside their rows"),
        ("query-unknown", column("events", "query", [7]), "rows that it does not list"),
        ("query-negative", column("events", "query", [-1]), "numbered below 0"),
        ("variation-huge", column("rows", "variation", [2**30]), "more variations than there are rows"),
        ("step-zero", column("steps", "step", [0, 1]), "steps count from 1"),
        ("step-huge", column("events", "step", [2**30]), "steps that are missing from its steps"),
        ("answer-short", column("rows", "answer", [[0]]), "answer does not have the length of its row"),
        ("answer-gap", column("rows", "answer", [[0, None]]), "answer has gaps"),
        ("length-negative", column("rows", "length", [-1]), "does not have the length of its row"),
        (
            "event-unknown",
            table("events", lambda before: before.set_column(5, before.schema.field(5), renamed)),
            "no event called '<script>'",
        ),
        ("summary-no-json", output("{"), "damaged"),
        ("summary-a-list", output("[1]"), "damaged"),
        ("summary-of-words", output('{"samplers": ["one"]}'), "damaged"),
        ("summary-without-names", output('{"samplers": [{"exact": 1}]}'), "damaged"),
        ("summary-policy-no-name", output('{"policy": ["learned"], "test": {}}'), "no intervals"),
        ("summary-policy-of-words", output('{"policy": "learned", "test": {"spearman": "high"}}'), "no intervals"),
        ("summary-policy-half", output('{"policy": "learned", "test": {"spearman": {"value": 1}}}'), "no intervals"),
    ]:
        run = folder / "traces" / name
        shutil.copytree(folder / "traced", run)
        write(run)
        yield Hostile(f"trace {name}", ("analyze", f"traces/{name}"), reason)
    yield Hostile("no trace", ("analyze", "damaged"), "holds no traces")
    yield Hostile("a place that is taken", ("analyze", "traced", "--out", "configs"), "holds no analysis")
