"""``adaptive-diffusion repeat``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from adaptive_diffusion.cli.options import AllowModule, allowed, announce, chosen_compute


def repeat(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", show_default=False)],
    folder: Annotated[
        Path | None, typer.Option(help="A fresh folder.  \\[default: RUN-repeated]", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    device: Annotated[str | None, typer.Option(help="As in run.  \\[default: that of the run]")] = None,
    precision: Annotated[str | None, typer.Option(help="As in run.  \\[default: that of the run]")] = None,
    allow_module: AllowModule = None,
) -> None:
    """Run it again from its own config, and compare weights, answers, traces and figures bit for bit.

    On the same machine, with the same versions and source, all results on a CPU are equal. If any result differs, the
    exit status is 1.

    Examples:

        adaptive-diffusion repeat runs/quickstart

        adaptive-diffusion repeat runs/quickstart --folder runs/again --json
    """
    import sys

    from adaptive_diffusion.runs.repeat import compute_of, recorded_config, repeat_run
    from adaptive_diffusion.storage.folder import RunFolder

    _, manifest = recorded_config(run)  # what is refused is refused before a folder is made
    then = compute_of(manifest)
    compute = chosen_compute(device or then["device"], precision or then["precision"])
    announce(compute, trains=True)
    place = folder or run.with_name(f"{run.resolve().name}-repeated")
    with RunFolder(place, allowed(allow_module)) as held:
        files = repeat_run(run, held, lambda line: print(line, file=sys.stderr), compute)
    different = [file for file in files if file.difference]
    if as_json:
        typer.echo(json.dumps([asdict(file) for file in files], indent=2))
    else:
        for file in files:
            typer.echo(f"{file.difference or 'equal'}: {file.file}")
        typer.echo(f"{len(files) - len(different)} of {len(files)} results are equal; {place} holds the repetition.")
    if different:
        raise typer.Exit(1)
