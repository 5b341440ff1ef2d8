"""Draws three figures from the result files alone: results/molecules.png, validity and FCD against forwards and where
the masked denoiser is less certain than its twin; results/blocks.png, both against the length of the blocks in
training; results/goal.png, FCD against validity on MOSES."""

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
    "blocks_4": "blocks of four from the left",
    "blocks_8": "blocks of eight from the left",
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


WHOLE = 24
"""Positions of a sequence: the block of a masked denoiser."""


def by_block_length():
    """Figures of the short trainings by the length of their blocks: of new molecules at a forward per token, and of
    spans written anew at the most valid setting."""

    def figures(folder, setting, rivals):
        new = json.loads((folder / FILE).read_text())["settings"][setting]
        spans = json.loads((folder / "infilling.json").read_text())["settings"]
        own = [row["valid"]["value"] for name, row in spans.items() if name.startswith("twin") == rivals]
        return {"valid": new["valid"], "fcd": new["fcd"], "infilled": max(own)}

    short = RESULTS / "short_training"
    found = {1: ("twin", figures(short, "twin", True)), WHOLE: ("masked", figures(short, "entropy_all", False))}
    for folder in RESULTS.glob("blocks_*/"):
        found[int(folder.name.removeprefix("blocks_"))] = ("blocks", figures(folder, "entropy_all", False))
    return dict(sorted(found.items()))


PANELS = {
    "valid": "valid new molecules",
    "fcd": "FCD of new molecules (lower is better)",
    "infilled": "valid, with a span written anew",
}


def blocks():
    """Every figure against the length of blocks, at equal steps of training."""
    found = by_block_length()
    lengths = list(found)
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    for axes, (name, label) in zip(panels, PANELS.items(), strict=True):
        axes.plot(lengths, [row[name] for _, row in found.values()], marker="o")
        for length, (_, row) in found.items():
            axes.annotate(f"{row[name]:.2f}", (length, row[name]), (0, 9), textcoords="offset points", ha="center")
        axes.set(xscale="log", xlabel="tokens of a block in training (log scale)", ylabel=label, ylim=(0, 1.1))
        axes.set_xlim(0.7, 36)
        axes.set_xticks(lengths, [f"{length}\n{kind}" for length, (kind, _) in found.items()])
        axes.minorticks_off()
    figure.suptitle("Molecules by the length of blocks, at equal strings of training")
    save(figure, RESULTS, "blocks")


SHOWN = {
    "masked": "masked denoiser",
    "blocks": "blocks of four",
    "restart": "masked, drawn again while improbable",
    "blocks_restart": "blocks, drawn again while improbable",
    "judged": "masked, drawn again while a head predicts an error",
    "twin": "autoregressive twin",
}
"""Families of `goal.py`."""


def goal():
    """FCD against validity of every setting that was chosen among, of the chosen ones on test molecules, and the
    goal."""
    found = json.loads((RESULTS / "moses_pairs" / "goal.json").read_text())
    figure, axes = plt.subplots(figsize=(8, 5.5), layout="constrained")
    for number, (family, label) in enumerate(SHOWN.items()):
        tried, row = found["validation"].get(family, {}).values(), found["test"].get(family)
        own = {"color": f"C{number}"}
        few = own if row else {**own, "label": label}
        axes.plot([one["valid"] for one in tried], [one["fcd"] for one in tried], "o", ms=4, alpha=0.4, **few)
        if row:
            axes.plot(row["valid"], row["fcd"], "*", ms=15, label=f"{label}, {row['forwards']:.1f} forwards", **own)
    aim, ticks = found["goal"], [0.25, 0.5, 1, 2, 4]
    axes.plot(aim["valid"], aim["fcd"], "P", ms=11, color="black", label="goal: CharRNN, of larger sets")
    axes.axhline(found["real"]["fcd"], color=LIGHT.muted, lw=1, ls="--", label="as many real molecules")
    axes.set(
        xlabel="valid molecules",
        ylabel="FCD (lower is better, log scale)",
        yscale="log",
        xlim=(0.35, 1.02),
        ylim=(0.2, 6),
    )
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_title(
        "New molecules of MOSES. Stars: 10,000 strings of the chosen settings, on test molecules.\n"
        "Dots: 1,000 strings of each setting, on validation molecules; small sets have a larger FCD."
    )
    figure.legend(fontsize=8, loc="outside lower center", ncols=2)
    save(figure, RESULTS, "goal")


def main():
    with themed(LIGHT):
        blocks()
        goal()
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
