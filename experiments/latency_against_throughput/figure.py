"""Draws results/trade_off.png from results/summary.json, and nothing else."""

import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

RESULTS = Path(__file__).parent / "results"
SHOWN = "autoregressive", "fixed_4", "fixed_16", "fixed_32_gain", "threshold_0.7", "threshold_0.7_remasking"


def main():
    summary = json.loads((RESULTS / "summary.json").read_text())
    clock = summary["clock"].removesuffix("seconds").strip().replace("processor", "processor_")
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name in SHOWN:
        rows = sorted((row for row in summary["seconds"] if row["sampler"] == name), key=lambda row: row["batch"])
        if not rows:
            continue
        batch, speed = ([row[key] for row in rows] for key in ("batch", f"tokens_per_{clock}second"))
        slow = [row["tokens"] / row[f"slowest_{clock}seconds"] for row in rows]
        [line] = left.plot(batch, speed, marker="o", label=name)
        left.fill_between(batch, slow, speed, color=line.get_color(), alpha=0.2)
    if summary["crossing_batch_size"]:
        left.axvline(summary["crossing_batch_size"], linestyle=":", color="grey")
    left.set(xscale="log", yscale="log", xlabel="batch size", ylabel=f"tokens per {summary['clock'][:-1]}")
    left.set_title(f"{summary['device']}; band: slowest to fastest try", fontsize=9)
    left.legend(fontsize=8)
    for name, row in summary["quality"].items():
        if name == "held_out":
            right.axhline(row["judge_bits_per_byte"], linestyle="--", color="grey", label="held-out text")
            continue
        error = [[row["judge_bits_per_byte"] - row["low"]], [row["high"] - row["judge_bits_per_byte"]]]
        right.errorbar(row["forwards"], row["judge_bits_per_byte"], error, marker="o", capsize=2)
        right.annotate(name, (row["forwards"], row["judge_bits_per_byte"]), fontsize=7)
    right.set(xscale="log", xlabel="forwards a text", ylabel="bits per byte under the judge")
    right.legend(fontsize=8)
    figure.savefig(RESULTS / "trade_off.png", dpi=120)


if __name__ == "__main__":
    main()
