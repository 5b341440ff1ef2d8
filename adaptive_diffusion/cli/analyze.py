"""``adaptive-diffusion analyze``."""

import json
from pathlib import Path
from typing import Annotated

import typer


def analyze(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders with traces.", show_default=False)],
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Group by this too: a measure of difficulty or a figure of the task by its name, or any other column "
            "of a trace's rows, such as halt_reason; may be repeated.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write.  \\[default: the first run's analysis/]", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the tables as JSON.")] = False,
) -> None:
    """See where the steps went: tables in the terminal; figures, CSV and JSON in a folder.

    Steps and accuracy by every difficulty of the task and by any column, gain over controls at equal cost, regret and
    overthinking, calibration of halting, self-correction, order of positions, accuracy step by step.

    Examples:

        adaptive-diffusion analyze runs/quickstart

        adaptive-diffusion analyze runs/quickstart --by halt_reason --by revisions

        adaptive-diffusion analyze runs/claim,seed=0 runs/claim,seed=1 --out analysis --json
    """
    from adaptive_diffusion.runs.analyze import analyze as analyze_runs

    place = out or runs[0] / "analysis"
    found = analyze_runs(runs, place, by or ())
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
        return
    from adaptive_diffusion.analysis.table import print_tables

    print_tables(found.tables)
    typer.echo(f"{place} holds figures, CSV and JSON.")
