"""Draws `accuracy_nfe.png` and `.svg` from `results/summary.json`: the curve of every rule, over all seeds.

python experiments/adaptive_beats_thresholds/figure.py
"""

import json
from pathlib import Path

import numpy as np

from adaptive_diffusion.analysis.colours import colour, marker
from adaptive_diffusion.analysis.scales import accuracy, doublings
from adaptive_diffusion.analysis.style import LIGHT, new_axes, save, themed
from adaptive_diffusion.evaluation.curves import drawn_curve

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    found = json.loads((RESULTS / "summary.json").read_text())
    chief = (found["best_learned"], found["best_unlearned"])
    with themed(LIGHT):
        figure, axes = new_axes(6.0, 5.2)
        doublings(axes.xaxis)
        accuracy(axes, found["queries"] * found["seeds"])
        for family, points in found["curves"].items():
            cost, quality = np.array(points).T
            style = {"color": colour(family), "alpha": 1 if family in chief else 0.6}
            axes.plot(cost, quality, marker(family), **style, ms=6 if family in chief else 4, label=family)
            axes.plot(*drawn_curve(cost, quality), **style)
        axes.set(
            xlabel="mean denoiser forwards per query (NFE), log scale", ylabel="correct answers, log scale of the wrong"
        )
        figure.legend(loc="outside lower center", ncols=3)
        save(figure, RESULTS, "accuracy_nfe")


if __name__ == "__main__":
    main()
