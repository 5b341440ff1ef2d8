"""Draws accuracy against mean NFE of every head and baseline of seed 0, from the result file alone."""

import json
from pathlib import Path

from adaptive_diffusion.analysis.colours import Label, colour, marker
from adaptive_diffusion.analysis.scales import accuracy, doublings
from adaptive_diffusion.analysis.style import LIGHT, new_axes, save, themed

HERE = Path(__file__).parent / "results"
DASHES = {
    "cost_aware_by_summaries": "--",
    "solved_if_stopped": "-",
    "q_halting": ":",
    "ponder": "-.",
    "policy_gradient": (0, (1, 3)),
}


def main() -> None:
    run = json.loads((HERE / "seed0.json").read_text())
    with themed(LIGHT):
        figure, axes = new_axes(6.4, 5.2)
        doublings(axes.xaxis)
        accuracy(axes, run["baselines"][0]["queries"])
        for name, points in run["curves"].items():
            if name.startswith("price_"):
                continue
            curve = sorted((point["nfe_mean"], point["correct"]) for point in points)
            chosen = name == run["policy"]
            style = {"linewidth": 2.6, "zorder": 3} if chosen else {"linewidth": 1.2, "linestyle": DASHES[name]}
            axes.plot(*zip(*curve, strict=True), label=name, color=colour(name), **style)
        for row in run["baselines"]:
            label, at = Label(row["sampler"], row["family"]), (row["nfe_mean"], row["correct"])
            axes.plot(*at, label.marker, color=label.colour)
            axes.annotate(label.setting or "", at, fontsize=7, xytext=(6, -3), textcoords="offset points")
        axes.set(xlabel="mean denoiser forwards per query (NFE), log scale")
        axes.set(ylabel="correct answers, log scale of the wrong", xlim=(1, 18))
        axes.plot([], [], marker("threshold"), color=colour("threshold", "0.9"), label="threshold")
        axes.plot([], [], marker("fixed"), color=colour("fixed", "8"), label="fixed steps")
        figure.legend(loc="outside lower center", ncols=3)
        save(figure, HERE, "accuracy_nfe")


if __name__ == "__main__":
    main()
