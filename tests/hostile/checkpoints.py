"""Checkpoints that want to run code, or whose config, weights or task are none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from hostile.case import MODELS, SHELL, Hostile, forge, sound_model

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
