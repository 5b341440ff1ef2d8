"""``adaptive-diffusion samplers``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from adaptive_diffusion.cli.options import ConfigDir, config_search


def samplers(
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects with their names.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/samplers.md, results included.")] = False,
    results: Annotated[Path, typer.Option(help="The folder of measured results that the document shows.")] = Path(
        "experiments/sampler_catalogue/results"
    ),
    config_dir: ConfigDir = None,
) -> None:
    """List the samplers of configs/sampler: name, description, and the kinds of noise that each can be used with.

    --json and --markdown also list the parts of each sampler, with all values.

    Examples:

        adaptive-diffusion samplers

        adaptive-diffusion samplers --json

        adaptive-diffusion samplers --markdown > docs/samplers.md
    """
    from adaptive_diffusion.runs.catalogue import document, presets

    search = config_search(config_dir)
    if markdown:
        typer.echo(document(results, search), nl=False)
    elif as_json:
        typer.echo(json.dumps([preset.as_json() for preset in presets(search)], indent=2, ensure_ascii=False))
    else:
        _print(presets(search))


def _print(presets: tuple) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    table.add_column("name", no_wrap=True)
    table.add_column("what it is")
    table.add_column("noise", width=len("absorbing"))
    for preset in presets:
        table.add_row(Text(preset.name), Text(preset.about), Text(" or ".join(preset.corruption)))
    Console().print(table)
