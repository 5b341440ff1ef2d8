"""Draws accuracy against mean NFE of every head and baseline of seed 0, from the result file alone."""

import json
from pathlib import Path

from adaptive_diffusion.analysis.style import LIGHT, colour, marker, new_axes, save, themed

HERE = Path(__file__).parent / "results"


def main() -> None:
    run = json.loads((HERE / "seed0.json").read_text())
    with themed(LIGHT):
        figure, axes = new_axes()
        for name, points in run["curves"].items():
            if name.startswith("price_"):
                continue
            ordered = sorted((point["nfe_mean"], 100 * point["exact"]) for point in points)
            chosen = name == run["policy"]
            axes.plot(*zip(*ordered, strict=True), label=name, linewidth=2.4 if chosen else 1.0, color=colour(name))
        for row in run["baselines"]:
            name, at = row["sampler"], (row["nfe_mean"], 100 * row["exact"])
            axes.plot(*at, marker(name), color=colour(name))
            axes.annotate(name, at, fontsize=7, xytext=(4, -8), textcoords="offset points")
        axes.set(xlabel="mean NFE (forwards a puzzle)", ylabel="exact answers (%)", xlim=(0, 12))
        axes.set_ylim(bottom=50)
        axes.legend(loc="lower right")
        save(figure, HERE, "accuracy_nfe")


if __name__ == "__main__":
    main()
