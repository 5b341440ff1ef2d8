"""``adaptive-diffusion evaluate``."""

import json
from typing import Annotated

import typer

from adaptive_diffusion.cli.options import (
    Address,
    AllowModule,
    Answers,
    ConfigDir,
    EngineName,
    Queries,
    Samplers,
    Seed,
    SkipBad,
    Source,
    Workers,
    allowed,
    config_search,
    query_engine,
)


def evaluate(
    source: Source,
    queries: Queries,
    sampler: Samplers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON instead of a table.")] = False,
    skip_bad: SkipBad = False,
    seed: Seed = 0,
    config_dir: ConfigDir = None,
    allow_module: AllowModule = None,
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    folder: Answers = None,
) -> None:
    """Compare samplers on a file of queries: exact, valid, and how many forwards each took.

    Examples:

        adaptive-diffusion evaluate runs/quickstart --queries puzzles.txt --sampler confidence --sampler learned

        adaptive-diffusion evaluate model.safetensors --queries q.csv --sampler "threshold pace.threshold=0.8,0.9"

        adaptive-diffusion evaluate runs/quickstart --queries many.txt --sampler learned --engine ray --workers 8
    """
    from adaptive_diffusion.runs.evaluate import evaluate_file
    from adaptive_diffusion.runs.query_job import QueryJob

    where = query_engine(engine, workers, address)
    rows = evaluate_file(
        QueryJob(source, queries, seed, skip_bad, allowed(allow_module), where, folder, config_search(config_dir)),
        sampler or ["confidence"],
    )
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    else:
        _print_table(rows)


def _print_table(rows: list[dict]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in rows[0]:
        table.add_column(Text(name), justify="left" if name == "sampler" else "right")
    for row in rows:
        table.add_row(*(Text(_shown(name, value)) for name, value in row.items()))
    Console().print(table)


def _shown(name: str, value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{100 * value:.1f}%" if name in ("exact", "valid") else f"{value:.2f}"
