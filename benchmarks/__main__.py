"""Runs the benchmarks, prints their rows and writes them with a manifest."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from adaptive_diffusion.runs.memory import keep_freed_memory
from adaptive_diffusion.storage.manifest import environment, now
from benchmarks import evaluate, imports, overhead, pretrained, report, scale, slots, step, sudoku, text, train

Row = dict[str, Any]
BENCHMARKS: dict[str, Callable[[bool], Iterator[Row]]] = {
    "slots": slots.measure,
    "step": step.measure,
    "train": train.measure,
    "scale": scale.measure,
    "imports": imports.measure,
    "overhead": overhead.measure,
    "pretrained": pretrained.measure,
    "text": text.measure,
    "sudoku": sudoku.measure,
    "evaluate": evaluate.measure,
    "report": report.measure,
}
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller cases, all in under five minutes")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    keep_freed_memory()  # as the command does
    for name in options.names or BENCHMARKS:
        manifest = {"command": [*sys.argv[1:]], "quick": options.quick, "started": now(), **environment()}
        rows = []
        for row in BENCHMARKS[name](options.quick):
            rows.append(row)
            print("  ".join([f"{row['name']:<24}", *(f"{key} {_short(row[key])}" for key in row if key != "name")]))
        result = {"manifest": manifest | {"ended": now()}, "rows": rows}
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
