"""Arguments and options that several commands share."""

import hashlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

UNSAFE = re.compile(r"[^A-Za-z0-9_.=+,-]")

Experiment = Annotated[
    str, typer.Argument(help="A name in configs/experiment, such as quickstart.", show_default=False)
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Changes to its config, key=value, such as denoiser.depth=6.", show_default=False),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        help="The run folder.  \\[default: runs/EXPERIMENT, with the overrides in its name]", show_default=False
    ),
]
Update = Annotated[
    bool, typer.Option("--update", help="The folder was made with another config: run again what the change concerns.")
]
AllowModule = Annotated[
    list[str] | None,
    typer.Option(help="A module of yours whose classes configs and checkpoints may name.", show_default=False),
]
Source = Annotated[
    Path, typer.Argument(metavar="RUN_OR_CHECKPOINT", help="A run folder, or a .safetensors file of one.")
]
Queries = Annotated[
    Path, typer.Option(help="Puzzles, one a line (0 or . for a blank; optional :n:solution), or CSV puzzle,solution.")
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out queries that cannot be read instead of stopping.")]
Seed = Annotated[int, typer.Option(help="Keys all random draws together with the number of the query.")]


def allowed(modules: list[str] | None) -> tuple[str, ...]:
    """The modules as a tuple; the working folder can be imported from if there are any, after everything installed."""
    if modules and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    return tuple(modules or ())


def run_folder(experiment: str, overrides: Sequence[str]) -> Path:
    """The default run folder: the same command finds its own again, other overrides get another."""
    name = UNSAFE.sub("_", ",".join([experiment.replace("/", "-"), *overrides]))
    if len(name) > 100 or any(UNSAFE.search(override) or "," in override for override in overrides):
        name = f"{name[:100]}-{hashlib.sha256(repr(list(overrides)).encode()).hexdigest()[:8]}"
    return Path("runs") / name
