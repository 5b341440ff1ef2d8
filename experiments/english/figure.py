"""Draws results/bits.png and .svg from results/summary.json, and nothing else."""

import json
from itertools import cycle

import matplotlib.pyplot as plt
from collect import BYTES, RESULTS

from adaptive_diffusion.analysis.scales import doublings
from adaptive_diffusion.analysis.style import LIGHT, save, themed

COLOURS = {"masked": "C0", "autoregressive": "C1"}
MARKERS = {"cpu": "o", "cuda": "^"}


def main() -> None:
    rows = json.loads((RESULTS / "summary.json").read_text())["models"]
    with themed(LIGHT):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
        by_recipe(left, rows)
        by_hours(right, rows)
        save(figure, RESULTS, "bits")


def by_recipe(axes, rows) -> None:
    """Bits a byte of every recipe: bars after the most steps, small marks after fewer."""
    steps = max(row["steps"] for row in rows if row["recipe"] == "per_mask")
    chosen = [row for row in rows if row["steps"] == steps][::-1]
    for place, row in enumerate(chosen):
        error = [[row["bits_per_byte"] - row["low"]], [row["high"] - row["bits_per_byte"]]]
        axes.barh(place, row["bits_per_byte"], color=COLOURS[row["model"]], xerr=error)
        same = [one for one in rows if all(one[key] == row[key] for key in ("recipe", "model")) and one is not row]
        axes.plot([one["bits_per_byte"] for one in same], [place] * len(same), "|", color=COLOURS[row["model"]], ms=12)
    axes.set_yticks(range(len(chosen)), [name(row["model"], row["recipe"]) for row in chosen])
    fewer = ", ".join(map(str, sorted({row["steps"] for row in rows} - {steps})))
    axes.set(xlabel="bits a byte, less is better", title=f"each recipe after {steps:,} steps (marks: {fewer})")


def name(model: str, recipe: str) -> str:
    """An autoregressive model differs in its tokens alone."""
    return f"{model}: {recipe}" if model == "masked" or recipe != BYTES else f"{model}: bytes"


def by_hours(axes, rows) -> None:
    """Bits a byte against minutes of training, a marker for each kind of device."""
    for row, (offset, side) in zip(rows, cycle(((5, "left"), (-5, "right")))):
        at = row["seconds"] / 60, row["bits_per_byte"]
        axes.plot(*at, MARKERS[row["device"]], color=COLOURS[row["model"]])
        label = name(row["model"], row["recipe"]).partition(": ")[2]
        axes.annotate(label, at, (offset, -2), textcoords="offset points", fontsize=6, ha=side)
    axes.margins(x=0.12)
    doublings(axes.xaxis)
    axes.set(xlabel="minutes of training, log scale", ylabel="bits a byte", title="bits against time")
    devices = {"cpu": "500 steps on one core", "cuda": "2,400 steps on a shared GPU"}
    handles = [plt.Line2D([], [], ls="", marker="s", color=colour, label=model) for model, colour in COLOURS.items()]
    handles += [plt.Line2D([], [], ls="", marker=MARKERS[one], color="grey", label=devices[one]) for one in MARKERS]
    axes.legend(handles=handles, fontsize=7, loc=(0.43, 0.53))


if __name__ == "__main__":
    main()
