"""Accuracy against mean NFE of every sampler, all seeds together, from the result file alone."""

import json
from pathlib import Path

from adaptive_diffusion.analysis.colours import colour, marker
from adaptive_diffusion.analysis.scales import accuracy, doublings
from adaptive_diffusion.analysis.style import LIGHT, new_axes, save, themed

RESULTS = Path(__file__).parent / "results"
OFFSETS = {"learned": (9, 3), "restart": (5, -9), "halting_alone": (5, -9)}


def main():
    told = json.loads((RESULTS / "summary.json").read_text())
    with themed(LIGHT):
        figure, axes = new_axes(6.4, 4.6)
        doublings(axes.xaxis)
        accuracy(axes, 2000 * told["seeds"])
        for name, exact in told["exact"].items():
            if name in ("correcting", "composed"):
                continue  # what `learned` was chosen from
            at = told["nfe_mean"][name], exact
            size = 13 if name == "learned" else 6
            axes.plot(*at, marker(name), color=colour(name), ms=size)
            label = name.replace("_", " ")
            axes.annotate(label, at, OFFSETS.get(name, (6, -3)), textcoords="offset points", fontsize=7)
        axes.set(xlabel="mean denoiser forwards per query (NFE), log scale", xlim=(1.4, 4))
        axes.set(ylabel="exact answers, log scale of the wrong")
        save(figure, RESULTS, "accuracy_nfe")


if __name__ == "__main__":
    main()
