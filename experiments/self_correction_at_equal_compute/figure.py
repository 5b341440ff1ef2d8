"""Accuracy against mean NFE of every rule over its settings, all seeds together, from the result file alone."""

import json
from pathlib import Path

from adaptive_diffusion.analysis.colours import colour, marker
from adaptive_diffusion.analysis.scales import accuracy, doublings
from adaptive_diffusion.analysis.style import LIGHT, new_axes, save, themed

RESULTS = Path(__file__).parent / "results"


def main():
    found = json.loads((RESULTS / "summary.json").read_text())
    with themed(LIGHT):
        figure, axes = new_axes(6.4, 5.4)
        doublings(axes.xaxis)
        accuracy(axes, found["queries"] * found["seeds"])
        for name, points in found["curves"].items():
            ours = name == found["best_learned"]
            style = {"color": colour(name), "marker": marker(name), "ms": 7 if ours else 4, "alpha": 1 if ours else 0.7}
            axes.plot(*zip(*points, strict=True), **style, linewidth=2 if ours else 1, label=name.replace("_", " "))
        axes.set(xlabel="mean denoiser forwards per query (NFE), log scale", ylabel="correct answers, log of the wrong")
        figure.legend(loc="outside lower center", ncols=4)
        save(figure, RESULTS, "accuracy_nfe")


if __name__ == "__main__":
    main()
