"""Draws results/bits.png and .svg from results/summary.json, and nothing else."""

import json
from itertools import cycle

import matplotlib.pyplot as plt
from collect import BYTES, RESULTS

from adaptive_diffusion.analysis.scales import doublings
from adaptive_diffusion.analysis.style import LIGHT, save, themed

COLOURS = {"masked": "C0", "autoregressive": "C1"}


def main() -> None:
    rows = json.loads((RESULTS / "summary.json").read_text())["models"]
    with themed(LIGHT):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
        by_recipe(left, rows)
        by_hours(right, rows)
        save(figure, RESULTS, "bits")


def by_recipe(axes, rows) -> None:
    """Bits a byte of every recipe at the steps that all of them have."""
    steps = min(row["steps"] for row in rows if row["recipe"] == "per_mask")
    chosen = [row for row in rows if row["steps"] == steps][::-1]
    for place, row in enumerate(chosen):
        error = [[row["bits_per_byte"] - row["low"]], [row["high"] - row["bits_per_byte"]]]
        axes.barh(place, row["bits_per_byte"], color=COLOURS[row["model"]], xerr=error)
    axes.set_yticks(range(len(chosen)), [name(row["model"], row["recipe"]) for row in chosen])
    axes.set(xlabel="bits a byte, less is better", title=f"each recipe after {steps} steps")


def name(model: str, recipe: str) -> str:
    """An autoregressive model differs in its tokens alone."""
    return f"{model}: {recipe}" if model == "masked" or recipe != BYTES else f"{model}: bytes"


def by_hours(axes, rows) -> None:
    """Bits a byte against minutes of training; trainings of one recipe are joined."""
    sides = cycle((6, -12))
    for recipe, model in dict.fromkeys((row["recipe"], row["model"]) for row in rows):
        some = sorted(
            (row for row in rows if (row["recipe"], row["model"]) == (recipe, model)), key=lambda row: row["steps"]
        )
        minutes, bits = [row["seconds"] / 60 for row in some], [row["bits_per_byte"] for row in some]
        axes.plot(minutes, bits, marker="o", color=COLOURS[model])
        above = next(sides)
        label = name(model, recipe).partition(": ")[2]
        axes.annotate(label, (minutes[-1], bits[-1]), (-8, above), textcoords="offset points", fontsize=7)
    doublings(axes.xaxis)
    axes.set(xlabel="minutes of training on one core, log scale", ylabel="bits a byte", title="bits against time")
    handles = [plt.Line2D([], [], marker="o", color=colour, label=model) for model, colour in COLOURS.items()]
    axes.legend(handles=handles)


if __name__ == "__main__":
    main()
