"""Draws `curves.png` and `.svg`, recovery and pseudo-likelihood against forwards, from `results/summary.json` alone.

python experiments/real_weights/figure.py
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt

from adaptive_diffusion.analysis.colours import colour, marker
from adaptive_diffusion.analysis.scales import doublings
from adaptive_diffusion.analysis.style import LIGHT, save, themed

RESULTS = Path(__file__).parent / "results"
LEARNED = ("solved", "cost_aware", "agreement", "prism")
TITLES = {"recovery": "recovery", "pseudo_likelihood": "pseudo-likelihood of a written residue"}


def main() -> None:
    summary = json.loads((RESULTS / "summary.json").read_text())
    with themed(LIGHT):
        figure, panels = plt.subplots(1, 2, figsize=(9.0, 3.8), layout="constrained")
        for axes, (kind, title) in zip(panels, TITLES.items(), strict=True):
            doublings(axes.xaxis)
            for family, points in summary["curves"][kind].items():
                style = {"linewidth": 1.6, "linestyle": "-"} if family in LEARNED else {"linewidth": 1.0, "ls": "--"}
                look = {"color": colour(family), "marker": marker(family), "markersize": 3}
                axes.plot(*zip(*points, strict=True), label=family, **look, **style)
            axes.set(xlabel="mean NFE, log scale", ylabel=title)
        panels[1].axhline(summary["by_pseudo_likelihood"]["of_the_chains_themselves"], color="0.6", lw=0.8)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=6, fontsize=7)
        save(figure, RESULTS, "curves")


if __name__ == "__main__":
    main()
