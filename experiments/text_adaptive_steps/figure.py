"""Draws results/steps.png from results/summary.json and results/blocks.json, and nothing else."""

import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

RESULTS = Path(__file__).parent / "results"


def main():
    rows = json.loads((RESULTS / "summary.json").read_text())["samplers"]
    blocks = json.loads((RESULTS / "blocks.json").read_text())["blocks"]
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    fixed = [row for name, row in rows.items() if name.startswith("fixed") and "margin" not in name]
    left.plot(
        [row["nfe_mean"] for row in fixed],
        [row["judge_bits_per_byte"]["value"] for row in fixed],
        "o-",
        label="fixed steps",
    )
    for name, row in rows.items():
        if not name.startswith("fixed"):
            found = row["judge_bits_per_byte"]
            error = [[found["value"] - found["low"]], [found["high"] - found["value"]]]
            left.errorbar(row["nfe_mean"], found["value"], error, marker="s", capsize=2, label=name)
    left.set(xscale="log", xlabel="mean NFE", ylabel="bits an open byte under the judge")
    left.legend(fontsize=7)
    names = [name for name in rows if not name.startswith("fixed")]
    for place, name in enumerate(names):
        found = rows[name]["spearman_of_steps_per_open_byte"]["judge_bits_per_byte"]
        middle.errorbar(
            found["value"], place, xerr=[[found["value"] - found["low"]], [found["high"] - found["value"]]], marker="o"
        )
    middle.axvline(0, color="grey", linestyle=":")
    middle.set(yticks=range(len(names)), yticklabels=names, xlabel="Spearman ρ: steps a byte, judge's bits a byte")
    value, low, high = ([block[key] for block in blocks] for key in ("judge_bits_per_byte", "low", "high"))
    right.plot(value)
    right.fill_between(range(len(blocks)), low, high, alpha=0.2)
    right.set(xlabel="block", ylabel="bits per byte under the judge", ylim=(0, None))
    figure.savefig(RESULTS / "steps.png", dpi=120)


if __name__ == "__main__":
    main()
