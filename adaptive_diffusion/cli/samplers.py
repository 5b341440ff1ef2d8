"""``adaptive-diffusion samplers``."""

import json
from pathlib import Path
from typing import Annotated

import typer


def samplers(
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects with their names.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/samplers.md, results included.")] = False,
    results: Annotated[Path, typer.Option(help="The folder of measured results that the document shows.")] = Path(
        "experiments/sampler_catalogue/results"
    ),
) -> None:
    """List the samplers that have a name: what they are, their parts with all values, the noise they serve.

    Examples:

        adaptive-diffusion samplers

        adaptive-diffusion samplers --json

        adaptive-diffusion samplers --markdown > docs/samplers.md
    """
    from adaptive_diffusion.runs.catalogue import document, presets

    if markdown:
        typer.echo(document(results), nl=False)
    elif as_json:
        typer.echo(json.dumps([preset.as_json() for preset in presets()], indent=2, ensure_ascii=False))
    else:
        _print(presets())


def _print(presets: tuple) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("name", "what it is", "noise")
    for preset in presets:
        table.add_row(Text(preset.name), Text(preset.about), Text(" or ".join(preset.corruption)))
    Console().print(table)
