"""Draws trade_off.png and .svg from summary.json of the same folder, and nothing else."""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt

from adaptive_diffusion.analysis.colours import as_number, colour, marker
from adaptive_diffusion.analysis.scales import doublings, doublings_at
from adaptive_diffusion.analysis.style import LIGHT, save, themed

RESULTS = Path(__file__).parent / "results"


def look(name):
    """Colour and marker of a sampler: a family has one hue and marker, and its settings are shades of it."""
    family, _, setting = name.rpartition("_")
    family, setting = (name, None) if as_number(setting) is None else (family, setting)
    return {"color": colour(family, setting), "marker": marker(family)}


def speeds(axes, summary):
    """Tokens a second against the batch size; what a try lost to the machine is the band."""
    clock = summary["clock"].removesuffix("seconds").strip().replace("processor", "processor_")
    for name in dict.fromkeys(row["sampler"] for row in summary["seconds"]):
        rows = sorted((row for row in summary["seconds"] if row["sampler"] == name), key=lambda row: row["batch"])
        batch, speed = ([row[key] for row in rows] for key in ("batch", f"tokens_per_{clock}second"))
        slow = [row["tokens"] / row[f"slowest_{clock}seconds"] for row in rows]
        axes.plot(batch, speed, **look(name), ms=5, label=name)
        axes.fill_between(batch, slow, speed, color=look(name)["color"], alpha=0.2, linewidth=0)
    crossing = summary["crossing_batch_size"]
    if crossing:
        axes.axvline(crossing, linestyle=":", color="grey")
        label = f"{summary['headline']} is overtaken at {crossing}"
        axes.annotate(label, (crossing, 0.02), (4, 0), xycoords=("data", "axes fraction"), textcoords="offset points")
    batches = sorted({row["batch"] for row in summary["seconds"]})
    doublings_at(axes, batches)
    axes.set(yscale="log", xlabel="texts at once, log scale", ylabel=f"tokens per {summary['clock'][:-1]}, log scale")
    axes.set_title(f"speed on {summary['device']}")


def qualities(axes, summary):
    """Bits per byte under the reference model against forwards a text."""
    for name, row in summary["quality"].items():
        value = row["reference_bits_per_byte"]
        if name == "held_out":
            axes.axhline(value, linestyle="--", color="grey", label="held-out text")
            continue
        error = [[value - row["low"]], [row["high"] - value]]
        style = {**look(name), "linestyle": "none", "capsize": 2}
        axes.errorbar(row["forwards"], value, error, **style, label=name)
    doublings(axes.xaxis)
    axes.set(
        xlabel="forwards a text, log scale",
        ylabel="bits per byte under the reference model, less is better",
        ylim=(0, None),
    )
    axes.set_title("what was written")
    axes.legend(ncols=2, fontsize=7, loc="center left")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=RESULTS)
    folder = parser.parse_args().folder
    summary = json.loads((folder / "summary.json").read_text())
    with themed(LIGHT):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
        speeds(left, summary)
        qualities(right, summary)
        handles, names = left.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3)
        save(figure, folder, "trade_off")


if __name__ == "__main__":
    main()
