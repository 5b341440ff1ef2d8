"""Draws results/molecules.png and .svg from the result files alone: validity and FCD against forwards, and where the
masked denoiser is less certain than its twin."""

import json

import matplotlib.pyplot as plt
import numpy as np
from measure import FILE, RESULTS
from samplers import settings

from adaptive_diffusion.analysis.scales import doublings
from adaptive_diffusion.analysis.style import LIGHT, save, themed

FAMILIES = {
    "random": "random order, fixed steps",
    "entropy": "lowest entropy first, fixed steps",
    "entropy_bound": "entropy bound",
    "p2": "P2 (revises)",
    "threshold": "threshold",
    "klass": "KLASS",
    "blocks": "blocks from the left",
    "left_to_right": "one token at a time, from the left",
    "twin": "autoregressive twin",
}
KINDS = "atoms", "bonds", "parentheses", "ring closures"


def curves(axes, rows, figure):
    """One figure of every setting against its forwards."""
    names = {**settings(), "twin": {"twin"}}
    for number, (key, label) in enumerate(FAMILIES.items()):
        own = sorted((row["forwards"], row[figure]) for name, row in rows.items() if name in names[key])
        if own:
            style = {"marker": "*", "ms": 13, "color": "black"} if key == "twin" else {"marker": "o", "ms": 4}
            line = "none" if key == "twin" else "-"
            axes.plot(*zip(*own, strict=True), linestyle=line, label=label, **{"color": f"C{number}", **style})
    doublings(axes.xaxis)
    axes.set(xlabel="forwards per molecule (log scale)")


def nats(axes, orders):
    """Nats a string by the kind of token, one bar for each order of writing."""
    bottom = np.zeros(len(orders))
    for kind in KINDS:
        values = np.array([row["by_kind"][kind] for row in orders.values()])
        axes.barh(list(orders), values, left=bottom, label=kind)
        bottom += values
    axes.invert_yaxis()
    axes.set(xlabel="nats per test molecule (lower is better)", title="Uncertainty by order of writing", xlim=(0, 19))
    axes.legend(fontsize=7, loc="lower right")


def main():
    rows = json.loads((RESULTS / FILE).read_text())["settings"]
    orders = json.loads((RESULTS / "orders.json").read_text())["orders"]
    with themed(LIGHT):
        figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
        curves(left, rows, "valid")
        left.set(ylabel="valid molecules", title="Valid strings", ylim=(0, 1.05))
        curves(middle, rows, "fcd")
        middle.set(ylabel="FCD to test molecules (lower is better)", title="Distance to real molecules", yscale="log")
        ticks = [0.06, 0.125, 0.25, 0.5, 1, 2, 4, 8]
        middle.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        middle.set_ylim(0.05, 1.1 * max(row["fcd"] for row in rows.values()))
        middle.minorticks_off()
        nats(right, orders)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=5, fontsize=7)
        save(figure, RESULTS, "molecules")


if __name__ == "__main__":
    main()
