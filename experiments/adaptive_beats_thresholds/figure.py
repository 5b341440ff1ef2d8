"""Draws `accuracy_nfe.png` and `.svg` from the results of the seeds, and nothing else.

python experiments/adaptive_beats_thresholds/figure.py
"""

import json
from pathlib import Path

from adaptive_diffusion.analysis.colours import colour, marker
from adaptive_diffusion.analysis.scales import accuracy, doublings
from adaptive_diffusion.analysis.style import LIGHT, new_axes, save, themed

HERE = Path(__file__).parent


def main() -> None:
    seeds = [json.loads(path.read_text()) for path in sorted((HERE / "results").glob("seed*.json"))]
    with themed(LIGHT):
        figure, axes = new_axes(5.8, 4.2)
        doublings(axes.xaxis)
        accuracy(axes, seeds[0]["samplers"][0]["queries"])
        for run in seeds:
            rows = {row["sampler"]: row for row in run["samplers"]}
            curve = sorted((row["nfe_mean"], row["correct"]) for row in rows.values() if row["family"] == "threshold")
            policy = rows[run["comparison"]["policy"]]
            first = run is seeds[0]
            axes.plot(
                *zip(*curve, strict=True),
                color=colour("threshold"),
                marker=marker("threshold"),
                ms=4,
                alpha=0.7,
                label="confidence thresholds" if first else None,
            )
            axes.plot(
                policy["nfe_mean"],
                policy["correct"],
                color=colour("learned"),
                marker=marker("learned"),
                ms=13,
                linestyle="none",
                label="learned halting and remasking, by seed" if first else None,
            )
            here = policy["nfe_mean"], policy["correct"]
            axes.annotate(str(run["seed"]), here, (0, -17), textcoords="offset points", ha="center")
        axes.set(
            xlabel="mean denoiser forwards per query (NFE), log scale", ylabel="correct answers, log scale of the wrong"
        )
        figure.legend(loc="outside lower center", ncols=2)
        save(figure, HERE / "results", "accuracy_nfe")


if __name__ == "__main__":
    main()
