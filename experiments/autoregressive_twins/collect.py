"""Puts masked denoisers beside their autoregressive twins: `results/summary.json` and `results/table.md`. Pairs of
other tasks and seeds that stand there stay. A `note` that was written to a pair there stands under the table.

python experiments/autoregressive_twins/collect.py --twins runs/twin_* --masked runs/quickstart runs/maze runs/countdown
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.evaluation.intervals import paired_difference
from adaptive_diffusion.storage.atomic_write import atomic_write_file

RESULTS = Path(__file__).parent / "results"
TWIN, SEQUENTIAL = "left_to_right", "confidence"
NEAR = 0.005
"""How much accuracy the cheapest setting may lose against one position a forward."""
HEADER = "| task | seed | queries | twin | masked, one position a forward | gain | cheapest within half a point |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--twins", nargs="+", type=Path, required=True, help="finished runs of autoregressive_twin")
    parser.add_argument("--masked", nargs="+", type=Path, required=True, help="finished runs of masked denoisers")
    options = parser.parse_args()
    twins, masked = (by_task(runs) for runs in (options.twins, options.masked))
    for task, seed in sorted(twins.keys() ^ masked.keys()):
        print(f"{task}, seed {seed}: only one of the two runs is there, so it is left out")
    pairs = [compared(masked[key], twins[key]) for key in sorted(twins.keys() & masked.keys())]
    if not pairs:
        raise SystemExit("no task and seed has a twin and a masked denoiser")
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "summary.json"
    before = json.loads(file.read_text())["tasks"] if file.is_file() else []
    by_pair = {(pair["name"], pair["seed"]): pair for pair in [*before, *pairs]}
    pairs = [pair for _, pair in sorted(by_pair.items())]
    atomic_write_file(file, json.dumps({"tasks": pairs}, indent=2) + "\n")
    atomic_write_file(RESULTS / "table.md", table(pairs))
    print(table(pairs), end="")


def by_task(runs: list[Path]) -> dict[tuple[str, int], Path]:
    """Run folders by the name of their task and their seed."""
    found = {}
    for run in runs:
        summary = json.loads((run / "summary.json").read_text())
        found[summary["task"], summary["seed"]] = run
    return found


def compared(masked: Path, twin: Path) -> dict[str, Any]:
    """A masked denoiser against its twin.

    Raises:
        ValueError: runs that did not answer the same queries.
    """
    summary = json.loads((masked / "summary.json").read_text())
    rows = {row["sampler"]: row for row in summary["samplers"]}
    ours, theirs = (answers(run, name) for run, name in ((masked, SEQUENTIAL), (twin, TWIN)))
    if ours.keys() != theirs.keys():
        raise ValueError(f"{masked} answered {len(ours)} queries and {twin} {len(theirs)}; run both on the same ones")
    pairs = np.array([(ours[query], theirs[query]) for query in ours], dtype=np.float64)
    enough = rows[SEQUENTIAL]["correct"] - NEAR
    cheapest = min((row for row in rows.values() if row["correct"] >= enough), key=lambda row: row["nfe_mean"])
    (left,) = json.loads((twin / "summary.json").read_text())["samplers"]
    return {
        "name": summary["task"],
        "seed": summary["seed"],
        "queries": len(pairs),
        "twin": of(left),
        "masked": of(rows[SEQUENTIAL]),
        "masked_cheapest": {"sampler": cheapest["sampler"], **of(cheapest)},
        "gain": paired_difference(pairs[:, 0], pairs[:, 1]).to_json(),
    }


def answers(run: Path, sampler: str) -> dict[int, bool]:
    """Which queries a sampler of a run answered correctly."""
    rows = read_trace(run / "traces" / sampler).rows
    return dict(zip(rows["query"].to_pylist(), rows["correct"].to_pylist(), strict=True))


def of(row: dict[str, Any]) -> dict[str, float]:
    """Accuracy and cost of a row of a summary."""
    return {"correct": row["correct"], "nfe_mean": row["nfe_mean"]}


def table(pairs: list[dict[str, Any]]) -> str:
    """The comparison in Markdown, and under it what is to be known of single pairs."""
    lines = [HEADER, "|" + " --- |" * HEADER.count(" | ") + " --- |"]
    for pair in pairs:
        gain, cheapest = pair["gain"], pair["masked_cheapest"]
        cells = [
            f"`{pair['name']}`",
            str(pair["seed"]),
            f"{pair['queries']:,}",
            shown(pair["twin"]),
            shown(pair["masked"]),
            f"{100 * gain['value']:+.1f} points ({100 * gain['low']:.1f} to {100 * gain['high']:.1f})",
            f"`{cheapest['sampler']}` {shown(cheapest)}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    notes = [f"\n`{pair['name']}`, seed {pair['seed']}: {pair['note']}" for pair in pairs if "note" in pair]
    return "\n".join([*lines, *notes]) + "\n"


def shown(found: dict[str, float]) -> str:
    """Accuracy at its cost."""
    return f"{100 * found['correct']:.1f}% at {found['nfe_mean']:.2f} NFE"


if __name__ == "__main__":
    main()
