"""``adaptive-diffusion samplers``."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from adaptive_diffusion.cli.options import AllowModule, ConfigDir, allowed, config_search

RESULTS = Path("experiments/sampler_catalogue/results")


def samplers(
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects with their names.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/samplers.md, results included.")] = False,
    results: Annotated[
        Path | None,
        typer.Option(
            help=f"The folder of measured results that the document shows.  \\[default: {RESULTS}]", show_default=False
        ),
    ] = None,
    config_dir: ConfigDir = None,
    allow_module: AllowModule = None,
) -> None:
    """List the samplers of configs/sampler: name, description, and the kinds of noise that each can be used with.

    --json and --markdown also list the parts of each sampler, with all values.

    Examples:

        adaptive-diffusion samplers

        adaptive-diffusion samplers --json

        adaptive-diffusion samplers --markdown > docs/samplers.md
    """
    from adaptive_diffusion.runs.catalogue import document, presets

    if results is not None and not markdown:
        raise ValueError(f"--results {results} is shown by the document alone: add --markdown, or leave it out")
    if results is not None and not results.is_dir():
        raise ValueError(f"There is no folder {results}; give --results the folder of measured results")
    search, allow = config_search(config_dir), allowed(allow_module)
    found = presets(search, allow)
    for preset in found:
        if preset.foreign:
            trust = "if you trust its code: " + " ".join(f"--allow-module {module}" for module in preset.foreign)
            print(f"{preset.name} is listed without values and noise; {trust}", file=sys.stderr)
    if markdown:
        typer.echo(document(results or RESULTS, search, allow), nl=False)
    elif as_json:
        typer.echo(json.dumps([preset.as_json() for preset in found], indent=2, ensure_ascii=False))
    else:
        _print(found)


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
