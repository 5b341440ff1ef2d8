"""Draws results/steps.png and .svg from results/summary.json and results/blocks.json, and results/english.png and .svg
from results/english.json, and nothing else."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
from rules import FIXED

from adaptive_diffusion.analysis.colours import colour, marker
from adaptive_diffusion.analysis.scales import doublings
from adaptive_diffusion.analysis.style import LIGHT, save, themed

RESULTS = Path(__file__).parent / "results"
BITS = "reference_bits_per_byte"


def ends(found):
    """Distances of an interval's ends from its value, as `errorbar` wants them."""
    return [[found["value"] - found["low"]], [found["high"] - found["value"]]]


def looks(names):
    """A colour of its own for each rule of this figure, and the rule's marker."""
    return {name: {"color": f"C{number}", "marker": marker(name)} for number, name in enumerate(names)}


def quality(axes, curves, title="infilling"):
    """What is written against what it costs, a line for each rule."""
    for name, look in looks(curves).items():
        cost, bits = zip(*curves[name], strict=True)
        axes.plot(cost, [-one for one in bits], **look, markersize=4, label=name)
    doublings(axes.xaxis)
    axes.set(xlabel="mean NFE, log scale", ylabel="bits an open byte under the reference model, less is better")
    axes.legend(fontsize=7)
    axes.set_title(title)


def correlations(axes, rows):
    """Do hard problems get more steps? Of each rule the setting at which they do so most."""
    best, look = {}, looks(dict.fromkeys(row["family"] for row in rows))
    for row in rows:
        found = row["spearman_of_steps_per_open_byte"][BITS]
        if row["family"] not in FIXED and found["value"] is not None:
            best[row["family"]] = max(best.get(row["family"], found), found, key=lambda one: one["value"])
    for place, (name, found) in enumerate(best.items()):
        axes.errorbar(found["value"], place, xerr=ends(found), capsize=2, **look[name])
    axes.axvline(0, color="grey", linestyle=":")
    axes.set(
        yticks=range(len(best)),
        yticklabels=list(best),
        xlabel="Spearman ρ of steps a byte and\nthe reference model's bits a byte",
    )
    axes.set_title("do steps go where it is hard?")


def blocks(axes, found):
    """Quality along a long text."""
    value, low, high = ([block[key] for block in found["blocks"]] for key in (BITS, "low", "high"))
    axes.plot(value, color=colour("learned"))
    axes.fill_between(range(len(value)), low, high, color=colour("learned"), alpha=0.2, linewidth=0)
    axes.set(
        xlabel=f"block of {found['long']['block']} bytes",
        ylabel="bits per byte under the reference model",
        ylim=(0, None),
    )
    axes.set_title(f"{found['long']['length']} bytes in blocks")


def memory(axes, found):
    """Does a finished block leave anything behind?"""
    held = found["largest_memory_mb_by_block"]
    axes.plot([int(block) for block in held], list(held.values()), color=colour("learned"))
    axes.set(xlabel=f"block of {found['long']['block']} bytes", ylabel="largest resident size, MB", ylim=(0, None))
    axes.set_title("memory by block")


def variety(axes, found):
    """The share of different sequences of three bytes, a line for each rule."""
    by_family = {}
    for row in found["samplers"]:
        by_family.setdefault(row["family"], []).append((row["nfe_mean"], row["distinct_3"]))
    for name, look in looks(by_family).items():
        cost, value = zip(*sorted(by_family[name]), strict=True)
        axes.plot(cost, value, **look, markersize=4, label=name)
    axes.axhline(found["reference_variety"]["distinct_3"], color="grey", linestyle=":")
    doublings(axes.xaxis)
    axes.set(xlabel="mean NFE, log scale", ylabel="different sequences of three bytes, share")
    axes.set_title("does it repeat itself? (dotted: the reference text)")


def english():
    """English, scored by a published model."""
    found = json.loads((RESULTS / "english.json").read_text())
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    quality(axes[0], found["curves"], f"infilling of English, judged by {found['reference']}")
    variety(axes[1], found)
    save(figure, RESULTS, "english")


def source_code():
    """Python source, scored by a model of the same corpus, and long texts in blocks."""
    summary = json.loads((RESULTS / "summary.json").read_text())
    figure, axes = plt.subplots(2, 2, figsize=(11, 9), layout="constrained")
    found = json.loads((RESULTS / "blocks.json").read_text())
    quality(axes[0, 0], summary["curves"])
    correlations(axes[0, 1], summary["samplers"])
    blocks(axes[1, 0], found)
    memory(axes[1, 1], found)
    save(figure, RESULTS, "steps")


def main():
    with themed(LIGHT):
        for file, draw in {"summary.json": source_code, "english.json": english}.items():
            if (RESULTS / file).is_file():
                draw()


if __name__ == "__main__":
    main()
