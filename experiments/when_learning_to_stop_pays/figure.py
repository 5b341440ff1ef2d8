"""Draws `curves.png` and `.svg` from `results/summary.json` alone: for each task the settings of every rule, and its
curve through the best of them.

python experiments/when_learning_to_stop_pays/figure.py
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from adaptive_diffusion.analysis.colours import colour, marker
from adaptive_diffusion.analysis.scales import doublings
from adaptive_diffusion.analysis.style import LIGHT, save, themed
from adaptive_diffusion.evaluation.curves import drawn_curve

RESULTS = Path(__file__).parent / "results"
ACROSS = 3


def main() -> None:
    tasks = json.loads((RESULTS / "summary.json").read_text())["tasks"]
    rows = -(-len(tasks) // ACROSS)
    with themed(LIGHT):
        figure, panels = plt.subplots(
            rows, ACROSS, figsize=(4.0 * ACROSS, 3.4 * rows), squeeze=False, layout="constrained"
        )
        for axes in panels.flat[len(tasks) :]:
            axes.remove()
        for axes, task in zip(panels.flat, tasks, strict=False):
            doublings(axes.xaxis)
            for family, points in task["curves"].items():
                learned = family in task["heads"]
                chosen = family in ("cost_aware", task["best_unlearned"])
                look = {"color": colour(family), "marker": marker(family), "markersize": 3}
                line = {"linewidth": 2.2 if chosen else 0.9, "linestyle": "-" if learned else "--", "markevery": []}
                cost, quality = np.array(points).T
                axes.plot(*drawn_curve(cost, quality), label=family, **look, **line)
                axes.plot(cost, quality, linestyle="none", **look)
            axes.plot(task["oracle"]["nfe_mean"], task["oracle"]["correct"], "k*", ms=10, label="hindsight oracle")
            axes.set(title=task["name"], xlabel="mean NFE, log scale", ylabel="quality of the answers")
        handles = {}
        for axes in figure.axes:
            lines, names = axes.get_legend_handles_labels()
            handles |= dict(zip(names, lines, strict=True))
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5, fontsize=7)
        save(figure, RESULTS, "curves")


if __name__ == "__main__":
    main()
