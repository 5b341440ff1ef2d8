"""Draws results/records.png and .svg from results/records.json, and nothing else: right answers against problems seen
in training."""

import json
from itertools import cycle

import matplotlib.pyplot as plt
from measure import RESULTS

from adaptive_diffusion.analysis.scales import doublings
from adaptive_diffusion.analysis.style import LIGHT, save, themed

SHOWN = {"fixed pace.steps=1": "one forward", "threshold pace.threshold=0.98": "threshold .98"}


def main() -> None:
    runs = list(json.loads((RESULTS / "records.json").read_text())["records"].values())
    names = [run["task"] for run in runs]
    tasks = sorted({name for name in names if names.count(name) > 1})
    with themed(LIGHT):
        figure, axes = plt.subplots(1, len(tasks), figsize=(5 * len(tasks), 3.8), layout="constrained", squeeze=False)
        for place, task in zip(axes[0], tasks, strict=True):
            panel(place, task, [run for run in runs if run["task"] == task])
        save(figure, RESULTS, "records")


def seen(run) -> float:
    """Thousands of problems that a training has seen."""
    return sum(run["steps"].values()) * run["problems_a_step"] / 1000


def panel(axes, task, runs) -> None:
    """A line for each size and sampler of a task, with the intervals of the test problems."""
    markers = cycle("o^s")
    for size in sorted({run["parameters"] for run in runs}):
        own, marker = sorted((run for run in runs if run["parameters"] == size), key=seen), next(markers)
        for number, (sampler, label) in enumerate(SHOWN.items()):
            rows = [run["samplers"][sampler] for run in own]
            middle = [100 * row["correct"] for row in rows]
            error = [
                [100 * (row["correct"] - row["low"]) for row in rows],
                [100 * (row["high"] - row["correct"]) for row in rows],
            ]
            name = f"{size / 1e6:.1f}M, {label}"
            axes.errorbar([seen(run) for run in own], middle, error, marker=marker, color=f"C{number}", label=name)
    doublings(axes.xaxis)
    axes.set(xlabel="thousand problems seen in training, log scale", ylabel="right answers, %", title=task)
    axes.legend(fontsize=7)


if __name__ == "__main__":
    main()
