"""``adaptive-diffusion ablate``."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from adaptive_diffusion.cli.options import (
    UNSAFE,
    Address,
    AllowModule,
    ConfigDir,
    Device,
    EngineName,
    Precision,
    SkipBad,
    Workers,
    allowed,
    announce,
    chosen_compute,
    config_search,
    engine,
)


def ablate(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="EXPERIMENT_OR_RUN",
            help="A name in configs/experiment, trained in every cell; or a run or a model to sample from.",
            show_default=False,
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="The grid: key=value,value or key=range(0,3); all combinations.", show_default=False),
    ] = None,
    listed: Annotated[
        Path | None,
        typer.Option("--list", help="A file with one setting per line: its overrides.", show_default=False),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(help="Queries to sample.  \\[default: the validation problems of the run]", show_default=False),
    ] = None,
    skip_bad: SkipBad = False,
    folder: Annotated[
        Path | None, typer.Option(help="The sweep's folder.  \\[default: runs/ablate/NAME]", show_default=False)
    ] = None,
    where: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON instead of a table.")] = False,
    device: Device = "auto",
    precision: Precision = "auto",
    config_dir: ConfigDir = None,
    allow_module: AllowModule = None,
) -> None:
    """Try every setting of a grid or a list, each once, and compare them over seeds.

    Each setting (a cell) has a folder named after its config. A finished cell is not run again, also when another
    sweep in this folder contains it, unless the code of an allowed module or a file that it names has changed. After an
    interruption, the same command continues. For a run, 'sampler=' and 'seed=' belong to the cell, and all other keys
    to the sampler.

    Examples:

        adaptive-diffusion ablate quickstart stages.remasking.steps=450,900 "seed=range(0,3)"

        adaptive-diffusion ablate runs/quickstart sampler=learned pace.threshold=0.8,0.9,0.95 seed=0,1,2

        adaptive-diffusion ablate MODEL sampler=cost_aware halting.price=0.01,0.05 --queries queries.txt

        adaptive-diffusion ablate quickstart --list settings.txt --engine ray --address ray://head:10001
    """
    from adaptive_diffusion.config.grid import combinations
    from adaptive_diffusion.config.grid import listed as read_list
    from adaptive_diffusion.runs.ablate.cells import experiment_cells, sampler_cells
    from adaptive_diffusion.runs.ablate.sweep import SUMMARY, run_sweep
    from adaptive_diffusion.runs.trained_model import names_a_model
    from adaptive_diffusion.storage.folder import RunFolder
    from adaptive_diffusion.storage.manifest import cores

    chosen = engine(where, workers or cores(), address)
    grid = combinations(overrides or ())
    settings = [(*row, *one) for row in read_list(listed) for one in grid] if listed else grid
    compute = chosen_compute(device, precision)
    trained, search, allow = Path(subject), config_search(config_dir), allowed(allow_module)
    sampled = trained.exists() or (subject not in search.choices("experiment") and names_a_model(subject))
    if sampled:
        cells = sampler_cells(trained, settings, queries, search, compute, skip_bad)
    elif queries:
        raise ValueError(
            f"--queries are sampled from a run, a checkpoint or a model's name, and {subject} is none of them"
        )
    else:
        cells = experiment_cells(subject, settings, search, allow, compute)
    announce(compute, trains=not sampled)
    place = folder or Path("runs/ablate") / UNSAFE.sub("_", trained.stem if sampled else subject)
    with RunFolder(place, allow) as held, Progress(cells) as progress:
        rows = run_sweep(cells, held, chosen, progress.tell)
    _print(rows, as_json, place / SUMMARY)


def _print(rows: list[dict[str, Any]], as_json: bool, file: Path) -> None:
    from adaptive_diffusion.analysis.table import print_tables
    from adaptive_diffusion.analysis.tables import rules_table, sweep_table

    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    rules = rules_table(json.loads(file.read_text(encoding="utf-8"))["rules"])
    print_tables([sweep_table(rows), *([rules] if rules else [])])
    typer.echo(f"{file} holds these numbers, figures/ beside it the picture.")


class Progress:
    """The table of cells on standard error: alive in a terminal, a line a cell elsewhere."""

    def __init__(self, cells: list[Any]):
        from rich.console import Console
        from rich.live import Live

        from adaptive_diffusion.analysis.settings import setting_names

        self.cells = cells
        self.names = setting_names([cell.setting for cell in cells])
        self.states = ["waiting"] * len(cells)
        self.figures = [""] * len(cells)
        self.live = Live(console=Console(stderr=True), get_renderable=self._table) if sys.stderr.isatty() else None

    def __enter__(self) -> "Progress":
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.live:
            self.live.stop()

    def tell(self, number: int, outcome: Any) -> None:
        """Notes what became of a cell."""
        self.states[number] = "failed" if outcome.failure else "finished before" if outcome.earlier else "finished"
        from adaptive_diffusion.runs.compare import quality_text

        best = max(outcome.rows or (), key=lambda row: row["correct"] or 0, default=None)
        self.figures[number] = outcome.failure or (
            f"{best['sampler']}: {quality_text(best)} at {best['nfe_mean']:.2f} NFE" if best else ""
        )
        if self.live:
            self.live.refresh()
        else:
            left = self.states.count("waiting")
            line = f"{self.names[number]}: {self.states[number]}, {self.figures[number]} ({left} left)"
            print(line, file=sys.stderr, flush=True)

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        done = len(self.cells) - self.states.count("waiting")
        title = f"{done} of {len(self.cells)} cells"
        table = Table("setting", "state", "best", title=title, title_justify="left")
        for name, state, figures in zip(self.names, self.states, self.figures, strict=True):
            table.add_row(Text(name), state, Text(figures))
        return table
