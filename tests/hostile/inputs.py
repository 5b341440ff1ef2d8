"""Experiments, queries, names and edits as an attacker might write them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from hostile.case import MODELS, SHELL, Hostile, forge, sound_model

from adaptive_diffusion.config import instantiate


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
        "nowhere.txt": "there is no file nowhere.txt",
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
        "pace.threshold=../x": "cannot stand in the name of a sampler",
        "+x=[[": "not of the form",
    }.items():
        name = f"threshold {change}"
        yield Hostile(f"sampler {name!r}", ("evaluate", "sound.safetensors", *requested, "--sampler", name), reason)
    for sweep, reason in {
        ("sampler=margin", "seed=range(0,1000000000)"): "combinations",
        ("sampler=margin", "seed=../x"): "must be a whole number from 0",
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
    for option, value, reason in [
        ("rewrite", "0:2=999999999999999999999", "tokens"),
        ("rewrite", "0:2=" + "9" * 5000, "digits"),
        ("rewrite", "5:2", "not in the text"),
        ("rewrite", "0:99", "not in the text"),
        ("rewrite", "2-1", "stands behind line"),
        ("rewrite", "1-9", "not in the text"),
        ("rewrite", "-1:2", "is no span"),
        ("rewrite", "٣:٩٩", "not in the text"),
        ("rewrite", "x", "is no span"),
        ("insert", "start+0", "nothing to write"),
        ("insert", "end+17", "the sequence holds 16"),
        ("insert", "nowhere+3", "is no insertion"),
        ("delete", "0:3", "nothing to write"),
    ]:
        yield Hostile(f"{option} {value[:30]}", ("edit", "text.safetensors", "text.txt", f"--{option}={value}"), reason)
    yield Hostile("edit of nothing", ("edit", "text.safetensors", "text.txt"), "nothing is to be changed")
    yield Hostile("edit of no text", ("edit", "sound.safetensors", "text.txt", "--delete=0:1"), "shows 0 positions")
    yield Hostile("edit of a device", ("edit", "text.safetensors", "/dev/zero", "--delete=0:1"), "is no file")
