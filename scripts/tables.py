"""Puts the tables of committed results into the documents; with --check, says which document is stale."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from adaptive_diffusion.analysis.representatives import representative_rows

ROOT = Path(__file__).parents[1]


def rows(file: str, key: str) -> list[dict[str, Any]]:
    """The list under a key of a result file."""
    return json.loads((ROOT / file).read_text(encoding="utf-8"))[key]


def markdown(header: list[str], lines: list[list[str]]) -> str:
    """A table."""
    return "".join(f"| {' | '.join(line)} |\n" for line in [header, ["---"] * len(header), *lines])


def quickstart() -> str:
    """The setting of each rule of the demo that is the cheapest within half a point of the rule's best."""
    lines = [
        [
            f"`{row['sampler']}`",
            ", ".join(row["heads"]) or "nothing",
            f"{100 * row['correct']:.1f}%",
            f"{row['nfe_mean']:.2f}",
            f"{row['nfe_p95']:.0f}",
            f"{row['nfe_max']:.0f}",
            f"{row['revisions_mean']:.2f}",
        ]
        for row in representative_rows(rows("docs/quickstart/summary.json", "samplers"))
    ]
    return markdown(["sampler", "learned heads", "correct", "mean NFE", "p95", "max", "revisions"], lines)


def rivals() -> str:
    """The learned halting rules against every rule without learning, over the seeds."""
    found = json.loads((ROOT / "experiments/adaptive_beats_thresholds/results/summary.json").read_text())
    lines = [
        [
            f"`{ours}`",
            f"`{theirs}`",
            interval(one["accuracy_gain_at_equal_cost"], 100, 1, "+"),
            interval(one["cost_ratio_at_equal_accuracy"]),
            interval(one["cost_ratio_half_a_point_lower"]),
        ]
        for ours, against in found["against"].items()
        for theirs, one in against.items()
    ]
    header = ["learned", "without learning", "points at equal NFE", "NFE ratio at equal accuracy", "half a point below"]
    return markdown(header, lines)


def interval(found: dict[str, Any], scale: float = 1, decimals: int = 2, sign: str = "") -> str:
    """A value with its 95% interval."""
    low, high = (f"{scale * found[end]:.{decimals}f}" for end in ("low", "high"))
    return f"{scale * found['value']:{sign}.{decimals}f} ({low} to {high})"


def records() -> str:
    """A row a sampler of every denoiser of experiments/records."""
    lines = []
    for run in json.loads((ROOT / "experiments/records/results/records.json").read_text())["records"].values():
        steps = " + ".join(f"{count:,}" for count in run["steps"].values())
        training = f"{steps} of {run['problems_a_step']:,}, {run['seconds'] / 60:.0f} min ({run['device']})"
        for name, row in run["samplers"].items():
            share = f"{row['correct']:.1%} ({100 * row['low']:.1f} to {100 * row['high']:.1f})"
            forwards = [f"{row['nfe_mean']:.2f}", f"{row['nfe_p95']:.0f}", f"{row['nfe_max']:.0f}"]
            size = f"{run['parameters'] / 1e6:.1f}M"
            lines.append([f"`{run['task']}`", size, training, f"`{name}`", share, *forwards])
    header = ["task", "parameters", "training: steps of problems", "sampler", "right", "mean NFE", "p95", "max"]
    return markdown(header, lines)


RATIOS = {
    "slots": ("saved", "seconds saved ÷ rows saved"),
    "step": ("ratio", "our time ÷ diffusers'"),
    "train": ("ratio", "time with all logits ÷ ours"),
    "scale": ("linear", "cost a query ÷ the size before"),
    "imports": ("ratio", "time ÷ that of `import torch`"),
    "overhead": ("share", "of a step outside the trunk"),
    "evaluate": ("ratio", "peak of memory ÷ that of `import torch`"),
}


def benchmarks() -> str:
    """A row a benchmark's row, its ratio by the wall and by processor time."""
    lines = []
    for name, (key, what) in RATIOS.items():
        for row in rows(f"benchmarks/results/{name}.json", "rows"):
            by_processor = row.get(f"{key}_processor_time")
            lines.append([f"`{row['name']}`", what, f"{row[key]:.3g}", f"{by_processor:.3g}" if by_processor else ""])
    return markdown(["row", "ratio", "by the wall", "by processor time"], lines)


def evaluating() -> str:
    """Seconds and peak memory of `evaluate` on many queries, before it worked in pieces and now."""
    lines = []
    for row in rows("benchmarks/results/evaluate.json", "rows"):
        measured = (("before", "_before"), ("now", ""))
        for name, suffix in [pair for pair in measured if f"seconds{pair[1]}" in row]:
            peak = row[f"peak_megabytes{suffix}"]
            ours = peak - row["import_torch_megabytes"]
            lines.append([f"{row['queries']:,}", name, f"{row[f'seconds{suffix}']:.0f}", f"{peak:.0f}", f"{ours:.0f}"])
    return markdown(["queries", "", "seconds", "peak MB", "of them beyond `import torch`"], lines)


def hardness() -> str:
    """Whether forwards follow difficulty: ρ between trainings, and with each measure."""
    found = json.loads((ROOT / "experiments/when_learning_to_stop_pays/results/difficulty.json").read_text())["tasks"]
    lines = []
    for task, one in found.items():
        measures = {"forwards of another training": one["between_trainings"], **one["with_difficulty"]}
        for name, each in measures.items():
            lines.append([f"`{task}`", name.replace("_", " "), ", ".join(f"{rho['value']:.2f}" for rho in each)])
    return markdown(["task", "forwards and", "Spearman's ρ"], lines)


TABLES = {
    "README.md": {"quickstart": quickstart, "rivals": rivals},
    "experiments/records/README.md": {"records": records},
    "experiments/when_learning_to_stop_pays/README.md": {"hardness": hardness},
    "docs/performance.md": {"benchmarks": benchmarks, "evaluate": evaluating},
}


def main() -> None:
    """Writes or checks."""
    for name, tables in TABLES.items():
        path = ROOT / name
        text = new = path.read_text(encoding="utf-8")
        for table, made in tables.items():
            block = re.compile(rf"(<!-- table:{table} -->\n).*?(<!-- /table -->)", re.DOTALL)
            new = block.sub(lambda found, made=made: found[1] + made() + found[2], new)
        if "--check" not in sys.argv[1:]:
            path.write_text(new, encoding="utf-8")
        elif new != text:
            sys.exit(f"{name} is stale: run python scripts/tables.py")


if __name__ == "__main__":
    main()
