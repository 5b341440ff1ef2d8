"""Do easy lines get fewer steps? Infilling of held-out code: one masked model, every sampler on the same problems."""

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

from adaptive_diffusion.evaluation.correlation import spearman
from adaptive_diffusion.evaluation.curves import Setting, nfe_ratio_at_equal_accuracy
from adaptive_diffusion.evaluation.intervals import bootstrap, mean
from adaptive_diffusion.evaluation.judge import surprisal
from adaptive_diffusion.rules.adaptive import EntropyBound
from adaptive_diffusion.rules.gain import LikelihoodGain
from adaptive_diffusion.rules.halting import StableAndConfident
from adaptive_diffusion.rules.order import LowEntropy
from adaptive_diffusion.rules.pace import FixedCount, FixedSteps, Threshold
from adaptive_diffusion.runs.manifest import environment, now, provenance
from adaptive_diffusion.runs.source import open_source
from adaptive_diffusion.runs.stages.training import checkpoint
from adaptive_diffusion.runs.whole import write_whole
from adaptive_diffusion.sampling.sampler import Sampler

RESULTS = Path(__file__).parent / "results"
FIXED = 1, 2, 3, 4, 6, 8, 12, 16, 24, 32


def samplers(model):
    """Fixed steps, and what decides problem by problem: by confidence, by entropy, by stability, by likelihood gain."""
    made = {f"fixed_{steps}": {"pace": FixedSteps(steps)} for steps in FIXED}
    made |= {f"threshold_{tau}": {"pace": Threshold(tau)} for tau in (0.5, 0.7, 0.9)}
    made |= {
        f"entropy_bound_{gamma}": {"order": LowEntropy(), "pace": EntropyBound(gamma)} for gamma in (0.1, 0.5, 1.0)
    }
    made["stable"] = {"pace": FixedCount(), "halting": StableAndConfident(1, 0.2)}
    made |= {f"gain_{least}": {"pace": FixedCount(), "halting": LikelihoodGain(least)} for least in (0.02, 0.1)}
    return {name: Sampler(model, **parts) for name, parts in made.items()}


def shares(answers, problems):
    """[N] share of the open bytes that are those of the reference."""
    same = (answers == torch.from_numpy(problems.tokens)).numpy() & problems.editable
    return same.sum(1) / problems.editable.sum(1)


def equal_quality(rows, fixed, adaptive):
    """Mean NFE of fixed steps, interpolated to the adaptive sampler's share of right bytes, over its own."""
    curve = sorted((rows[name]["right_bytes"]["value"], rows[name]["nfe_mean"]) for name in fixed)
    quality, steps = np.array(curve).T
    target = rows[adaptive]["right_bytes"]["value"]
    inside = quality[0] <= target <= quality[-1]
    return float(np.exp(np.interp(target, quality, np.log(steps))) / rows[adaptive]["nfe_mean"]) if inside else None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a finished run of the experiment text")
    parser.add_argument("--problems", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    begun = now()
    masked, judge = (open_source(chosen.run / checkpoint(name)) for name in ("masked", "judge"))
    problems = masked.data.test[: chosen.problems]
    task, queries = masked.task, masked.task.queries(problems)
    opened = problems.editable.sum(1)
    bits = surprisal(judge.model.denoiser, torch.from_numpy(problems.tokens), task.length).numpy()
    difficulty = {
        "judge_bits_per_byte": (bits * problems.editable).sum(1) / opened,
        "compressed_bytes_per_byte": problems.surprise / opened,
    }
    rows, settings = {}, {}
    for name, sampler in samplers(masked.model).items():
        result = sampler.sample(queries, seed=chosen.seed)
        verdict, nfe = task.verify(result.answers, problems), result.nfe.numpy()
        right = shares(result.answers, problems)
        settings[name] = Setting(name, result.query.numpy(), nfe, verdict.exact.numpy())
        rows[name] = {
            "nfe_mean": float(nfe.mean()),
            "nfe_p95": float(np.quantile(nfe, 0.95, method="higher")),
            "nfe_max": int(nfe.max()),
            "right_bytes": bootstrap(mean, right)._asdict(),
            "exact": {
                kind: float(verdict.exact.numpy()[problems.kind == kind].mean()) for kind in np.unique(problems.kind)
            },
            "parses": float(verdict.valid.double().mean()),
            "spearman_of_steps_per_open_byte": {
                measure: spearman(values, nfe / opened)._asdict() for measure, values in difficulty.items()
            },
        }
        print(name, rows[name], file=sys.stderr)
    fixed = [name for name in rows if name.startswith("fixed")]
    adaptive = [name for name in rows if name not in fixed]
    result = {
        "crossing_batch_size": None,
        "crossing_reason": "measured in ../latency_against_throughput",
        "device": environment()["device"],
        "nfe_ratio_fixed_over_adaptive": {name: equal_quality(rows, fixed, name) for name in adaptive},
        "nfe_ratio_at_equal_exact": {
            name: _plain(nfe_ratio_at_equal_accuracy(settings[name], [settings[each] for each in fixed]))
            for name in adaptive
        },
        "problems": len(problems),
        "open_bytes_mean": float(opened.mean()),
        "samplers": rows,
        "manifest": provenance(f"measure.py RUN --problems {len(problems)} --seed {chosen.seed}", begun),
    }
    RESULTS.mkdir(exist_ok=True)
    write_whole(RESULTS / "summary.json", json.dumps(result, indent=1) + "\n")


def _plain(comparison):
    """Adaptive over fixed with its paired interval, or why there is none."""
    interval = None if comparison.interval is None else comparison.interval._asdict()
    return {"baseline": comparison.baseline, "adaptive_over_fixed": interval, "reason": comparison.reason}


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    with torch.inference_mode():
        main()
