"""``adaptive-diffusion models``."""

import json
from typing import Annotated, Any

import typer


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects with all figures.")] = False,
) -> None:
    """List the trained models that come with the package.

    You can use a name wherever a run folder or a checkpoint is accepted.

    Examples:

        adaptive-diffusion models

        adaptive-diffusion sample MODEL --queries queries.txt --sampler learned
    """
    from adaptive_diffusion.runs.models_to_try import models_to_try

    found = models_to_try()
    if as_json:
        typer.echo(json.dumps([model.as_json() for model in found], indent=2, ensure_ascii=False))
        return
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE, pad_edge=False)
    for column in ("name", "task", "size"):
        table.add_column(column, no_wrap=True)
    table.add_column("sampler", overflow="fold")  # the figures are shown in full on a narrow terminal too
    for column in ("correct", "mean NFE"):
        table.add_column(column, justify="right", no_wrap=True)
    for model in found:
        first = [model.name, model.figures["task"], f"{model.size / 1e6:.1f} MB"]
        for row in model.figures["samplers"]:
            table.add_row(*map(Text, [*first, *_figures(row)]))
            first = ["", "", ""]
        table.add_section()
    Console().print(table)


def _figures(row: dict[str, Any]) -> list[str]:
    return [row["sampler"], f"{100 * row['correct']:.1f}%", f"{row['nfe_mean']:.2f}"]
