"""Accuracy against mean NFE of every sampler, and boards repaired against planted mistakes, from the result files."""

import json
from pathlib import Path

from matplotlib.figure import Figure

RESULTS = Path(__file__).parent / "results"


def main():
    told = json.loads((RESULTS / "summary.json").read_text())
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, name in enumerate(told["exact"]):
        marker = "o^sDvP*Xd<>ph8"[number % 14]
        left.plot(told["nfe_mean"][name], 100 * told["exact"][name], marker, label=name.replace("_", " "))
    left.set(xlabel="mean NFE a puzzle", ylabel="exact answers, %")
    left.legend(fontsize=6, ncols=2)
    planted = told["planted_repaired_each"]
    right.plot([int(count) for count in planted], [100 * value for value in planted.values()], "o-")
    right.set(xlabel="wrong tokens planted in a right board", ylabel="boards right at the end, %", xticks=range(5))
    for suffix in ("png", "svg"):
        figure.savefig(RESULTS / f"figure.{suffix}", dpi=150)


if __name__ == "__main__":
    main()
