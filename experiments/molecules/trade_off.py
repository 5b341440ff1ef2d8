"""Draws results/trade_off.png from the result files alone: how many times as fast as the twin with a cache each setting
writes molecules, by how many are written at once; the share of valid molecules stands in the legend."""

import json

import matplotlib.pyplot as plt
from measure import FILE, RESULTS

from adaptive_diffusion.analysis.style import LIGHT, save, themed

TICKS = (0.125, 0.25, 0.5, 1, 2, 4)


def main():
    latency = json.loads((RESULTS / "latency.json").read_text())["speedup"]
    rows = json.loads((RESULTS / FILE).read_text())["settings"]
    batches = [int(batch) for batch in latency]
    with themed(LIGHT):
        figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
        axes.axhline(1, color="black", lw=1, ls=":")
        axes.plot([], [], color="black", lw=1, ls=":", label=f"twin: {rows['twin']['valid']:.0%} valid")
        for name in sorted(rows.keys() & latency["1"].keys(), key=lambda name: -latency["1"][name]):
            speed = [own[name] for own in latency.values()]
            axes.plot(batches, speed, marker="o", ms=4, label=f"{name}: {rows[name]['valid']:.0%} valid")
        axes.set(xscale="log", yscale="log", xlabel="molecules written at once (log scale)")
        axes.set(ylabel="times as fast as the twin (log scale)", title="Speed of new molecules against the twin")
        axes.set_xticks(batches, map(str, batches))
        axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.minorticks_off()
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
        save(figure, RESULTS, "trade_off")


if __name__ == "__main__":
    main()
