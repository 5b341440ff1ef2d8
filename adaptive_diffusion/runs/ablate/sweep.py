"""The sweep: finished cells are reused while the code and data they name are what they were, the others are run, and
the summary is written."""

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from adaptive_diffusion.analysis.sweep import write_sweep_figure
from adaptive_diffusion.core.trace import read_rows
from adaptive_diffusion.evaluation.answers import QueryFigures, ScoredAnswers
from adaptive_diffusion.runs.ablate.cells import Cell, Rows
from adaptive_diffusion.runs.ablate.summary import SamplerResult, compare_rules, summarise
from adaptive_diffusion.runs.contents import changed
from adaptive_diffusion.runs.engine import Engine
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.storage.manifest import Manifest

RESULT, SUMMARY = "result.json", "summary.json"


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: its rows, or the sentence of its failure; `earlier` if it was finished before."""

    cell: Cell
    rows: Rows | None
    failure: str | None = None
    earlier: bool = False


def run_sweep(
    cells: Sequence[Cell], folder: RunFolder, engine: Engine, tell: Callable[[int, Outcome], None]
) -> list[dict[str, Any]]:
    """Does what is not finished, and writes `summary.json`: a row for each setting and sampler, seeds together.

    Args:
        cells: the settings.
        folder: of the sweep, entered; each cell has its own in `cells/DIGEST`.
        engine: where cells are done.
        tell: is called with the number and outcome of each cell as soon as it is finished.

    Raises:
        ValueError: where cells failed, after all others are done; the same sweep tries them again.
    """
    manifest = Manifest(folder, {"cells": len(cells), "allow": list(folder.allow)})
    ended = "interrupted"
    try:
        outcomes: dict[int, Outcome] = {}
        for number, outcome in _outcomes(cells, folder, engine):
            outcomes[number] = outcome
            tell(number, outcome)
        done = [outcomes[number] for number in range(len(cells))]
        results = [(one.cell.setting, _results(folder, one)) for one in done if one.rows is not None]
        rows, rules = summarise(results), compare_rules(results)
        folder.write_json(SUMMARY, {"settings": rows, "rules": rules, "cells": [_plain(one) for one in done]})
        with folder.atomic_write("figures") as figures:
            write_sweep_figure(rows, figures)
        failed = [one for one in done if one.failure]
        ended = f"{len(failed)} cells failed" if failed else "finished"
    finally:
        manifest.end(ended)
    if failed:
        raise ValueError(
            f"{len(failed)} of {len(cells)} cells failed, the first with: {str(failed[0].failure).rstrip('.')}. "
            f"See log.txt in {folder.file('cells')}/{_name(failed[0].cell)}; the same command tries them again."
        )
    return rows


def _outcomes(cells: Sequence[Cell], folder: RunFolder, engine: Engine) -> Iterator[tuple[int, Outcome]]:
    finished = {cell.digest: _finished(folder, cell) for cell in cells}
    for number, cell in enumerate(cells):
        if (rows := finished[cell.digest]) is not None:
            yield number, Outcome(cell, rows, earlier=True)
    waiting: dict[str, list[int]] = {}
    for number, cell in enumerate(cells):
        if finished[cell.digest] is None:
            waiting.setdefault(cell.digest, []).append(number)
    places = list(waiting.values())
    work = partial(run_cell, folder.path.resolve(), folder.allow)
    for piece, (rows, failure) in engine.each(work, [cells[numbers[0]] for numbers in places]):
        for number in places[piece]:
            yield number, Outcome(cells[number], rows, failure)


def run_cell(folder: Path, allow: tuple[str, ...], cell: Cell) -> tuple[Rows | None, str | None]:
    """Does one cell in the sweep's folder; what it prints goes to its `log.txt`. Failures are returned, not raised."""
    try:
        with RunFolder(folder / "cells" / _name(cell), allow) as held:
            with held.file("log.txt").open("a") as log, redirect_stdout(log), redirect_stderr(log):
                try:
                    contents = cell.contents(allow)
                    rows = cell.run(held)
                except Exception:
                    traceback.print_exc(file=sys.stderr)
                    raise
            held.write_json(RESULT, {"setting": list(cell.setting), "contents": contents, "rows": rows})
        return rows, None
    except Exception as error:
        return None, str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"


def _results(folder: RunFolder, outcome: Outcome) -> list[SamplerResult]:
    """The rows of a cell, and what its traces add to them."""
    found = []
    for row in outcome.rows or ():
        trace = folder.file(f"cells/{_name(outcome.cell)}/traces/{row['sampler']}")
        if not trace.is_dir():
            found.append(SamplerResult(row))
            continue
        header, rows = read_rows(trace)
        found.append(SamplerResult(row, QueryFigures.of_rows(rows), ScoredAnswers.of_rows(header, rows)))
    return found


def _finished(folder: RunFolder, cell: Cell) -> Rows | None:
    result = folder.read_json(f"cells/{_name(cell)}/{RESULT}")
    if result is None or changed(result.get("contents", {}), cell.contents(folder.allow)):
        return None
    return result["rows"]


def _name(cell: Cell) -> str:
    return cell.digest[:16]


def _plain(outcome: Outcome) -> dict[str, Any]:
    """A cell as the summary has it: nothing that another run of the same cell would give differently."""
    return {"setting": list(outcome.cell.setting), "folder": f"cells/{_name(outcome.cell)}", "failure": outcome.failure}
