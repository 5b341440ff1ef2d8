"""``adaptive-diffusion explain``."""

from pathlib import Path
from typing import Annotated

import typer

from adaptive_diffusion.cli.terminal import shown


def explain(
    folder: Annotated[
        Path, typer.Argument(help="A run folder, or one that --trace of sample or evaluate wrote.", show_default=False)
    ],
    query: Annotated[int, typer.Argument(min=0, help="The number of the query, from 0.", show_default=False)],
    sampler: Annotated[
        str | None, typer.Option(help="Its name in the folder, where there are several.", show_default=False)
    ] = None,
    variation: Annotated[int, typer.Option("-n", "--variation", min=0, help="Which of its answers.")] = 0,
) -> None:
    """Show why a query took the steps it took: what was committed, remasked and replaced, and why it stopped.

    For each step it prints the numbers that the halting rule used, and draws the sequence.

    Examples:

        adaptive-diffusion sample runs/quickstart --queries queries.txt --sampler learned --trace traces

        adaptive-diffusion explain traces 12

        adaptive-diffusion explain runs/quickstart 12 --sampler learned
    """
    from adaptive_diffusion.runs.explain import explain_query

    typer.echo(shown(explain_query(folder, query, variation, sampler)))
