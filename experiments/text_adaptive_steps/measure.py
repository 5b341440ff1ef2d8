"""Do easy lines get fewer steps? Infilling of held-out code: one masked model, every sampler on the same problems."""

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.correlation import spearman
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.evaluation.intervals import Interval, bootstrap, mean
from adaptive_diffusion.evaluation.reference_model import nll_bits
from adaptive_diffusion.rules.adaptive import EntropyBound, Quota
from adaptive_diffusion.rules.gain import LikelihoodGain
from adaptive_diffusion.rules.halting import StableAndConfident
from adaptive_diffusion.rules.order import LowEntropy, Margin
from adaptive_diffusion.rules.pace import FixedCount, FixedSteps, Threshold
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import environment, now, provenance

RESULTS = Path(__file__).parent / "results"
FIXED = 1, 2, 4, 6, 8, 12, 16, 24, 64
AFTER = 16


def samplers(model):
    """Fixed steps in two orders, and what decides problem by problem: by confidence, by the lead of the best token, by
    confidence with a least number a step, by entropy, by stability, by likelihood gain."""
    made = {f"fixed_{steps}": {"pace": FixedSteps(steps)} for steps in FIXED}
    made |= {f"fixed_margin_{steps}": {"order": Margin(), "pace": FixedSteps(steps)} for steps in (6, 12, 24)}
    made |= {f"threshold_{tau}": {"pace": Threshold(tau)} for tau in (0.4, 0.5, 0.6, 0.9)}
    made |= {f"margin_{tau}": {"order": Margin(), "pace": Threshold(tau)} for tau in (0.3, 0.4)}
    made |= {f"quota_0.5_{steps}": {"pace": Quota(0.5, steps)} for steps in (16, 24)}
    made |= {f"entropy_bound_{gamma}": {"order": LowEntropy(), "pace": EntropyBound(gamma)} for gamma in (0.5, 2.0)}
    made["stable"] = {"pace": FixedCount(), "halting": StableAndConfident(1, 0.2)}
    made["gain_0.1"] = {"pace": FixedCount(), "halting": LikelihoodGain(0.1)}
    return {name: Sampler(model, **parts) for name, parts in made.items()}


def judged(tokens, problems, judge):
    """[N] bits under the judge from the first open byte to `AFTER` bytes behind the last, an open byte: what is written
    must fit what follows, too."""
    place, length = np.arange(problems.tokens.shape[1]), problems.tokens.shape[1]
    first = problems.editable.argmax(1)[:, None]
    last = length - 1 - problems.editable[:, ::-1].argmax(1)[:, None]
    bits = nll_bits(judge, tokens, length).numpy() * ((first <= place) & (place <= last + AFTER))
    return bits.sum(1) / problems.editable.sum(1)


def answered(source, problems, judge, seed):
    """Every sampler on the same problems: what was answered, with its quality and NFE."""
    queries, found = source.task.queries(problems), {}
    for name, sampler in samplers(source.model).items():
        result = sampler.sample(queries, seed=seed)
        family, quality = "fixed" if name.startswith("fixed") else name, -judged(result.answers, problems, judge)
        graded = ScoredAnswers(name, family, result.query.numpy(), result.nfe.numpy(), quality)
        found[name] = result, graded
        print(f"{name}: {-graded.quality.mean():.3f} bits, {graded.nfe.mean():.2f} NFE", file=sys.stderr, flush=True)
    return found


def ratios(found):
    """By adaptive sampler: forwards that fixed steps need for its judged quality, over its own."""
    curves = Curves([[graded for _, graded in found.values()]])
    ours = {name: curves.compare(name, "fixed").cost_ratio for name in curves.families if name != "fixed"}
    return {name: Interval(1 / ratio.value, 1 / ratio.high, 1 / ratio.low) for name, ratio in ours.items()}


def row(result, graded, task, problems, difficulty):
    """The figures of a sampler."""
    correctness, opened = task.verify(result.answers, problems), problems.editable.sum(1)
    same = (result.answers == torch.from_numpy(problems.tokens)).numpy() & problems.editable
    exact = correctness.exact.numpy()
    return {
        "nfe_mean": float(graded.nfe.mean()),
        "nfe_p95": float(np.quantile(graded.nfe, 0.95, method="higher")),
        "nfe_max": int(graded.nfe.max()),
        "judge_bits_per_byte": bootstrap(mean, -graded.quality).to_json(),
        "right_bytes": bootstrap(mean, same.sum(1) / opened).to_json(),
        "exact": {str(kind): float(exact[problems.kind == kind].mean()) for kind in np.unique(problems.kind)},
        "parses": float(correctness.valid.double().mean()),
        "spearman_of_steps_per_open_byte": {
            measure: spearman(values, graded.nfe / opened).to_json() for measure, values in difficulty.items()
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a finished run of the experiment text")
    parser.add_argument("--denoiser", type=Path, help="another one than the run's, such as of text_infilling")
    parser.add_argument("--problems", type=int, default=300)
    parser.add_argument("--validation", type=int, default=150, help="problems on which the adaptive sampler is chosen")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    begun = now()
    masked = load_trained_model(chosen.denoiser or chosen.run / checkpoint("masked"))
    judge = load_trained_model(chosen.run / checkpoint("reference"))
    tuned = ratios(
        answered(masked, masked.data.validation.take(slice(chosen.validation)), judge.model.denoiser, chosen.seed)
    )
    best = max(tuned, key=lambda name: tuned[name].value)
    problems = masked.data.test.take(slice(chosen.problems))
    opened = problems.editable.sum(1)
    bits = nll_bits(judge.model.denoiser, torch.from_numpy(problems.tokens), masked.task.length).numpy()
    difficulty = {
        "judge_bits_per_byte": (bits * problems.editable).sum(1) / opened,
        "compressed_bytes_per_byte": problems.surprise / opened,
    }
    found = answered(masked, problems, judge.model.denoiser, chosen.seed)
    saved = ratios(found)
    result = {
        "crossing_batch_size": None,
        "crossing_reason": "measured in ../latency_against_throughput, with latency_speedup_batch1 and quality_gap",
        "device": environment()["device"],
        "adaptive": best,
        "nfe_ratio_fixed_over_adaptive": saved[best].value,
        "nfe_ratio_fixed_over_adaptive_interval": saved[best].to_json(),
        "nfe_ratio_by_sampler": {name: interval.to_json() for name, interval in saved.items()},
        "nfe_ratio_on_validation": {name: interval.value for name, interval in tuned.items()},
        "problems": len(problems),
        "open_bytes_mean": float(opened.mean()),
        "reference_judge_bits_per_byte": float(
            judged(torch.from_numpy(problems.tokens), problems, judge.model.denoiser).mean()
        ),
        "samplers": {name: row(*pair, masked.task, problems, difficulty) for name, pair in found.items()},
        "manifest": provenance(
            f"measure.py RUN {f'--denoiser {chosen.denoiser.name} ' if chosen.denoiser else ''}"
            f"--problems {len(problems)} --validation {chosen.validation} --seed {chosen.seed}",
            begun,
        ),
    }
    RESULTS.mkdir(exist_ok=True)
    atomic_write_file(RESULTS / "summary.json", json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    with torch.inference_mode():
        main()
