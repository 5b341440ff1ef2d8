"""``adaptive-diffusion analyze``."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def analyze(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders with traces.", show_default=False)],
    by: Annotated[
        list[str] | None,
        typer.Option(help="A column of a trace's rows to group by; may be repeated.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write.  \\[default: the first run's analysis/]", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the tables as JSON.")] = False,
) -> None:
    """See where the steps went: tables in the terminal; figures, CSV and JSON in a folder.

    Allocation by difficulty and by any column, who got more and why, gain over controls at equal cost, regret and
    overthinking, calibration of halting, what became of mistakes, order of positions, accuracy step by step.

    Examples:

        adaptive-diffusion analyze runs/quickstart

        adaptive-diffusion analyze runs/quickstart --by clues --by halt_reason

        adaptive-diffusion analyze runs/claim,seed=0 runs/claim,seed=1 --out analysis --json
    """
    from adaptive_diffusion.runs.analyze import analyze as analyze_runs

    place = out or runs[0] / "analysis"
    found = analyze_runs(runs, place, by or ())
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 160)
    for sheet in found.sheets:
        console.print(sheet.rich())
        console.print()
    console.print(f"{place} holds figures, CSV and JSON.", highlight=False, soft_wrap=True)
