"""Files as an attacker might send them: `python tests/hostile_files.py FOLDER` makes the collection.

Each file tries to run code, to write, to be taken for what it is not, or to lead a reader astray; each comes with the
command that opens it and with what the refusal must say. Whatever one of them managed to do would leave a file `owned`.
"""

import json
import pickle
import shutil
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from omegaconf import OmegaConf
from safetensors.torch import save_file
from synthetic_traces import Row, commit, record

from adaptive_diffusion.config import compose, instantiate, resolve
from adaptive_diffusion.config.search import ConfigSearch, package_folder

SHELL = "touch owned"
CODE = "open('owned', 'w').close()"
PUZZLES = "1234341221434321\n.2343412214343.1\n"
MODELS = "adaptive_diffusion.models"


@dataclass(frozen=True)
class Hostile:
    """A case: its name, the arguments of `adaptive-diffusion` from inside the folder, and a part of the refusal."""

    name: str
    command: tuple[str, ...]
    reason: str


class Bomb:
    """What a pickle would run."""

    def __reduce__(self):
        return eval, (CODE,)


def collection(folder: Path) -> list[Hostile]:
    """Writes all files below `folder`, which is also to be the working folder of the commands, and lists the cases."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(package_folder(), folder / "configs")
    (folder / "puzzles.txt").write_text(PUZZLES)
    (folder / "owned_module.py").write_text(f"{CODE}\nclass Net: ...\n")
    (folder / "borrowed").mkdir()
    (folder / "borrowed" / "config.json").write_text(
        json.dumps({"model_type": "mine", "auto_map": {"AutoModelForCausalLM": "modeling.Net"}})
    )
    (folder / "borrowed" / "modeling.py").write_text(f"{CODE}\nclass Net: ...\n")
    makers = (checkpoints, pickles, tasks, experiments, run_folders, traces, queries, names, edits)
    return [case for maker in makers for case in maker(folder)]


def sound_model() -> tuple[dict[str, Any], dict[str, torch.Tensor], dict[str, Any]]:
    """Config, weights and task of an untrained 4×4 model that nothing is wrong with."""
    config = resolve(compose(None, ["+model@model=sudoku_4x4", "+task@task=sudoku_4x4"]))
    return config["model"], instantiate(config["model"]).state_dict(), config["task"]


def forge(path: Path, config: Any, tensors: dict[str, torch.Tensor], about: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in about.items()}
    config = config if isinstance(config, str) else json.dumps(config)
    save_file({name: value.clone() for name, value in tensors.items()}, path, {"config": config} | text)


TARGETS = [
    "os.system",
    "posix.system",
    "builtins.eval",
    "builtins.exec",
    "builtins.__import__",
    "builtins.getattr",
    "subprocess.Popen",
    "subprocess.run",
    "pathlib.Path.write_text",
    "pathlib.Path.touch",
    "shutil.rmtree",
    "importlib.import_module",
    "functools.partial",
    "functools.reduce",
    "operator.methodcaller",
    "pickle.loads",
    "runpy.run_path",
    "torch.load",
    "torch.hub.load",
    "torch.nn.Linear",
    "numpy.load",
    "hydra.utils.instantiate",
    "hydra.utils.get_method",
    "omegaconf.OmegaConf.save",
    "lightning.pytorch.Trainer",
    "owned_module.Net",
    "adaptive_diffusion.storage.folder.os.system",
    "adaptive_diffusion.storage.folder.RunFolder",
    "adaptive_diffusion.runs.stages.Train",
    "adaptive_diffusion.cli.app.main",
    "adaptive_diffusion.config.instantiate",
    "adaptive_diffusion.core.trace_writer.TraceWriter",
    "adaptive_diffusion.training.rollouts.Rollouts.load",
    "adaptive_diffusion.analysis.report.build_report",
    f"{MODELS}.transformer.torch.load",
    f"{MODELS}.transformer.nn.Linear",
    f"{MODELS}.transformer.math.sqrt",
    f"{MODELS}.heads.DenoiserWithHeads.load_state_dict",
    f"{MODELS}.heads.DenoiserWithHeads.register_module",
    f"{MODELS}.heads.__builtins__.eval",
    f"{MODELS}.heads.DenoiserWithHeads.__init__.__globals__",
    f"{MODELS}.heads.DenoiserWithHeads.__class__",
    f"{MODELS}.pretrained.loading.importlib.import_module",
    f"{MODELS}.pretrained.loading.extra",
    f"{MODELS}.pretrained.loading.Path.write_text",
    f"{MODELS}.rowwise.rowwise",
    f"{MODELS}.os.system",
    "adaptive_diffusion.models..heads",
    "adaptive_diffusionx.os.system",
    "",
    ["os.system"],
    None,
]


def placed(target: Any, sound: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A hostile node at the top, as an argument, in a list, positional, bound, and where nothing is built from it."""
    bad = {"_target_": target, "_args_": [SHELL]}
    yield "alone", bad
    yield "inside", {**sound, "heads": {"quality": bad}}
    yield "listed", {**sound, "heads": [{"deep": [bad]}]}
    yield "positional", {"_target_": sound["_target_"], "_args_": [sound["denoiser"], bad]}
    yield "bound", {**sound, "heads": {"halting": {**bad, "_partial_": True}}}


def checkpoints(folder: Path) -> Iterator[Hostile]:
    """Checkpoints whose config names what is not a part, or asks for more than the file has."""
    sound, tensors, task = sound_model()
    about = {"format": "adaptive-diffusion/1", "about": {"task": task}}
    trunk = sound["denoiser"]

    def case(name: str, reason: str, config: Any = sound, weights: Any = tensors, facts: Any = about) -> Hostile:
        path = Path("checkpoints") / f"{name}.safetensors"
        forge(folder / path, config, weights, facts)
        return Hostile(f"checkpoint {name}", ("evaluate", str(path), "--queries", "puzzles.txt"), reason)

    for number, target in enumerate(TARGETS):
        for place, config in placed(target, sound):
            bound = place == "bound" and str(target).endswith((".extra", ".rowwise"))  # a function may be bound
            if not bound:
                yield case(f"target-{number}-{place}", "_target_", config)
    for number, consent in enumerate([True, 1, "yes", [0], {"a": False}, [], 0.5]):
        borrowed = {"_target_": f"{MODELS}.pretrained.families.LLaDA.from_pretrained", "name": "borrowed"}
        yield case(f"consent-{number}", "consent", {**sound, "denoiser": borrowed | {"remote_code": consent}})
    for name, text in {"env": "${oc.env:HOME}", "decode": "${oc.decode:'1'}", "reference": "${halting}"}.items():
        yield case(f"resolver-{name}", "interpolations", {**sound, "heads": {"quality": {"width": text}}})
    yield case("no-target", "no _target_", {"denoiser": trunk})
    yield case("config-is-a-list", "plain values", [sound])
    yield case("config-is-no-json", "cannot be read", "{")
    yield case("config-is-deep", "cannot be read", '{"a":' * 5000 + "1" + "}" * 5000)
    yield case("unknown-argument", "takes no 'widht'", {**sound, "denoiser": {**trunk, "widht": 3}})
    yield case("another-width", "do not fit the config", {**sound, "denoiser": {**trunk, "width": 64}})
    for name, change in {
        "endless-width": {"width": 100_000, "heads": 1},
        "endless-depth": {"width": 2, "heads": 1, "depth": 10_000_000, "positions": None},
        "endless-vocabulary": {"vocabulary": 10**12},
        "endless-places": {"positions": {"_target_": f"{MODELS}.positions.RelationalPositions.line", "length": 10**5}},
        "no-width": {"width": 0},
        "no-heads": {"heads": 0},
        "half-a-head": {"heads": 0.5},
        "negative": {"width": -32},
        "words": {"depth": "deep"},
        "a-node-for-a-number": {"width": trunk["positions"]},
        "a-corruption-that-is-none": {"corruption": {"_target_": f"{MODELS}.heads.QualityHead", "width": 3}},
    }.items():
        yield case(name, "is refused", {**sound, "denoiser": {**trunk, **change}})
    yield case("no-denoiser", "is refused", {**sound, "denoiser": 3})
    yield case(
        "a-head-alone",
        "not a denoiser with heads",
        sound["heads"]["quality"],
        {"out.weight": torch.zeros(1, 32), "out.bias": torch.zeros(1)},
    )
    one = next(iter(tensors))
    yield case("tensor-missing", "is missing in the file", weights={k: v for k, v in tensors.items() if k != one})
    yield case("tensor-too-many", "is in the file only", weights=tensors | {"unexpected": torch.zeros(1)})
    yield case("tensor-too-large", "by the config", weights=tensors | {one: torch.zeros(3, 3)})
    yield case("tensor-of-integers", "other types of numbers", weights=tensors | {one: tensors[one].long()})
    yield case("another-format", "its format is", facts=about | {"format": "adaptive-diffusion/99"})
    yield case("no-format", "its format is None", facts={"about": {"task": task}})
    yield case("about-is-a-list", "plain values", facts=about | {"about": []})
    yield case("about-resolves", "interpolations", facts=about | {"about": {"task": "${oc.env:HOME}"}})


def tasks(folder: Path) -> Iterator[Hostile]:
    """Checkpoints with a sound model and a task that is none, or another's."""
    sound, tensors, task = sound_model()
    text = {"_target_": "adaptive_diffusion.tasks.text.TextDataModule", "length": 16}
    for name, node, reason in [
        ("missing", None, "is refused"),
        ("number", 5, "is refused"),
        ("words", "sudoku", "is refused"),
        ("list", [task], "is refused"),
        ("system", {"_target_": "os.system", "command": SHELL}, "_target_"),
        ("model", sound, "_target_"),
        ("task-itself", {"_target_": "adaptive_diffusion.tasks.sudoku.task.SudokuTask", "size": 4}, "is refused"),
        (
            "reader",
            {"_target_": "adaptive_diffusion.tasks.text.corpora.JsonLines", "path": "puzzles.txt"},
            "is refused",
        ),
        ("five", {**task, "size": 5}, "is refused"),
        ("threads", {**task, "threads": 0}, "is refused"),
        ("another-board", {**task, "size": 6}, "the denoiser has 4 tokens, but the task sudoku_6x6 has 6"),
        ("another-vocabulary", text, "the denoiser has 4 tokens, but the task text_16 has 257"),
    ]:
        path = Path("tasks") / f"{name}.safetensors"
        forge(folder / path, sound, tensors, {"format": "adaptive-diffusion/1", "about": {"task": node}})
        yield Hostile(f"task {name}", ("evaluate", str(path), "--queries", "puzzles.txt"), reason)
    forge(folder / "tasks" / "none.safetensors", sound, tensors, {"format": "adaptive-diffusion/1", "about": {}})
    yield Hostile("no task", ("sample", "tasks/none.safetensors", "--queries", "puzzles.txt"), "does not name the task")


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


def experiments(folder: Path) -> Iterator[Hostile]:
    """Experiment configs that reach outside the package."""
    stage = "stages:\n  a: "
    report = "{_target_: adaptive_diffusion.runs.stages.Report, title: x}"
    for name, text, reason in [
        ("python-tag", stage + f"!!python/object/apply:os.system ['{SHELL}']\n", "cannot be read"),
        ("python-name", stage + "!!python/name:os.system\n", "cannot be read"),
        ("system", stage + f"{{_target_: os.system, command: {SHELL}}}\n", "_target_"),
        ("write", stage + "{_target_: pathlib.Path.write_text, _args_: [owned, x]}\n", "_target_"),
        (
            "attribute",
            stage + f"{{_target_: adaptive_diffusion.storage.folder.os.system, command: {SHELL}}}\n",
            "_target_",
        ),
        ("module", stage + "{_target_: owned_module.Net}\n", "--allow-module owned_module"),
        (
            "nested",
            stage + "{_target_: adaptive_diffusion.runs.stages.Report, title: {_target_: os.system}}\n",
            "_target_",
        ),
        ("reference", f"evil: os.system\n{stage}{{_target_: '${{evil}}', command: {SHELL}}}\n", "_target_"),
        ("env", stage + report + "\nx: ${oc.env:HOME}\n", "only references to keys"),
        ("decode", stage + report + "\nx: ${oc.decode:'1'}\n", "only references to keys"),
        ("hydra", stage + report + "\nx: ${hydra:runtime.cwd}\n", "only references to keys"),
        ("create", stage + report + "\nx: ${oc.create:${y}}\ny: {_target_: os.system}\n", "only references to keys"),
        ("put-together", stage + report + "\nx: ${d}{oc.env:HOME}\nd: $\n", "put interpolations together"),
        ("endless", stage + report + "\nx: ${y}\ny: ${x}\n", "cannot be resolved"),
        ("stage-name", "stages:\n  ../../owned: " + report + "\n", "name of a stage"),
        ("stages-are-a-list", "stages: [1, 2]\n", "stages"),
        ("no-yaml", "stages: {a: [\n", "cannot be read"),
        ("tab", "stages:\n\ta: 1\n", "cannot be read"),
        ("not-text", "\0\1\2", "cannot be read"),
        ("search-path", "hydra: {searchpath: [pkg://owned_module]}\n" + stage + report + "\n", "searchpath"),
        ("a-list", "- 1\n", "cannot be"),
        ("laughs", "a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]\n", "holds aliases"),
    ]:
        (folder / "configs" / "experiment" / f"{name}.yaml").write_text("# @package _global_\n" + text)
        yield Hostile(f"experiment {name}", ("run", name), reason)


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


def queries(folder: Path) -> Iterator[Hostile]:
    """Puzzle files that are none."""
    sound, tensors, task = sound_model()
    forge(folder / "sound.safetensors", sound, tensors, {"format": "adaptive-diffusion/1", "about": {"task": task}})
    rng = np.random.default_rng(0)
    (folder / "queries").mkdir()
    for name, content, reason in [
        ("binary", rng.bytes(4000), "bad lines"),
        ("zeros", b"\0" * 10_000, "holds no puzzle"),
        ("gigantic-line", b"1" * 3_000_000, "longer than 4096 bytes"),
        ("empty", b"", "holds no puzzle"),
        ("comments", b"# <script>alert(1)</script>\n" * 9, "holds no puzzle"),
        ("script", b"<script>alert(1)</script>\n", "holds no puzzle"),
        ("another-size", b"." * 81 + b"\n", "not of size 4×4"),
        ("letters", b"abcdefghijklmnop\n", "neither a digit"),
        ("other-digits", "１２３４３４１２２１４３４３２１\n".encode(), "neither a digit"),
        ("five", b"5234341221434321\n", "neither a digit"),
        ("contradiction", b"11..............\n", "1 stands 2 times"),
        ("no-solution", b"123....4........\n", "no solution"),
        ("wrong-solution", b"1234341221434321:0:4321214334121234\n", "contradicts the clue"),
        ("open-quotes", b'puzzle,solution\n"1234341221434321,"\n', "holds no puzzle"),
        ("utf-16", "1234341221434321\n".encode("utf-16"), "is UTF-16 text"),
        ("escape", b"\x1b]0;owned\x07\n", "holds no puzzle"),
    ]:
        (folder / "queries" / f"{name}.txt").write_bytes(content)
        reason = "holds no puzzle" if name == "binary" else reason
        yield Hostile(f"queries {name}", ("evaluate", "sound.safetensors", "--queries", f"queries/{name}.txt"), reason)
    for name, reason in {
        "nowhere.txt": "is no file",
        "queries": "is no file",
        "/dev/zero": "is no file",
        "\0": "null",
    }.items():
        yield Hostile(f"queries at {name!r}", ("sample", "sound.safetensors", "--queries", name), reason)


def names(folder: Path) -> Iterator[Hostile]:
    """Names that lead elsewhere."""
    requested = "--queries", "puzzles.txt"
    for name in ("../../../etc/passwd", "/etc/passwd", "a/../../b", "..", "margin\0", "<script>", "-", ""):
        yield Hostile(
            f"sampler {name!r}", ("evaluate", "sound.safetensors", *requested, f"--sampler={name}"), "a sampler"
        )
        if not name.startswith("-") and name:
            yield Hostile(f"experiment {name!r}", ("run", name), "cannot be the name of an experiment")
    for change, reason in {
        "order=../../owned": "There is no key",
        "+order=${oc.env:HOME}": "is refused",
        "+order._target_=os.system": "_target_",
        "/order=x": "The override",
        "pace.steps=1,2": "There is no key",
        "pace.threshold=range(0,1000000)": "combinations",
        "pace.threshold=../x": "cannot name a sampler",
        "+x=[[": "not of the form",
    }.items():
        name = f"threshold {change}"
        yield Hostile(f"sampler {name!r}", ("evaluate", "sound.safetensors", *requested, "--sampler", name), reason)
    for sweep, reason in {
        ("sampler=margin", "seed=range(0,1000000000)"): "combinations",
        ("sampler=margin", "seed=../x"): "not a whole number",
        ("sampler=../x",): "cannot be the name of a sampler",
    }.items():
        yield Hostile(f"sweep {sweep[-1]}", ("ablate", "sound.safetensors", *sweep), reason)


def edits(folder: Path) -> Iterator[Hostile]:
    """Spans that are not in the text, or ask for a sequence larger than any machine."""
    trunk = {
        "_target_": f"{MODELS}.transformer.TransformerDenoiser",
        "vocabulary": 257,
        "width": 8,
        "depth": 1,
        "heads": 1,
    }
    places = {"_target_": f"{MODELS}.positions.LearnedPositions.line", "length": 16}
    config = {"_target_": f"{MODELS}.heads.DenoiserWithHeads", "denoiser": {**trunk, "positions": places}}
    task = {"_target_": "adaptive_diffusion.tasks.text.TextDataModule", "length": 16}
    about = {"format": "adaptive-diffusion/1", "about": {"task": task}}
    forge(folder / "text.safetensors", config, instantiate(config).state_dict(), about)
    (folder / "text.txt").write_bytes(b"one\ntwo\xff\n")
    for option, wish, reason in [
        ("rewrite", "0:2=999999999999999999999", "tokens"),
        ("rewrite", "0:2=" + "9" * 5000, "digits"),
        ("rewrite", "5:2", "not in the text"),
        ("rewrite", "0:99", "not in the text"),
        ("rewrite", "2-1", "not in the text"),
        ("rewrite", "1-9", "not in the text"),
        ("rewrite", "-1:2", "is no span"),
        ("rewrite", "٣:٩٩", "not in the text"),
        ("rewrite", "x", "is no span"),
        ("insert", "start+0", "nothing to write"),
        ("insert", "end+17", "the sequence holds 16"),
        ("insert", "nowhere+3", "is no insertion"),
        ("delete", "0:3", "nothing to write"),
    ]:
        yield Hostile(f"{option} {wish[:30]}", ("edit", "text.safetensors", "text.txt", f"--{option}={wish}"), reason)
    yield Hostile("edit of nothing", ("edit", "text.safetensors", "text.txt"), "nothing is to be changed")
    yield Hostile("edit of no text", ("edit", "sound.safetensors", "text.txt", "--delete=0:1"), "shows 0 positions")
    yield Hostile("edit of a device", ("edit", "text.safetensors", "/dev/zero", "--delete=0:1"), "is no file")


if __name__ == "__main__":
    for hostile in collection(Path(sys.argv[1])):
        print(f"{hostile.name}\n  adaptive-diffusion {' '.join(map(repr, hostile.command))}\n  … {hostile.reason} …")
