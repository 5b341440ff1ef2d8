"""Do easy lines get fewer steps? Infilling of held-out code: every rule at several settings on the same problems."""

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
from adaptive_diffusion.rules.halting import AnswerProbability, StableAndConfident
from adaptive_diffusion.rules.order import LowEntropy, Margin
from adaptive_diffusion.rules.pace import FixedCount, FixedSteps, Threshold
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import environment, now, provenance

RESULTS = Path(__file__).parent / "results"
STEPS = 1, 2, 4, 6, 8, 12, 16, 24
SHARES = 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9
AFTER = 16
FIXED = "fixed"


def families():
    """Fixed steps in two orders, and what decides problem by problem: by confidence, by the lead of the best token, by
    confidence with a least number a step, by entropy; and one token a step stopped by the probability of the answer, by
    stability, by likelihood gain. Eight settings each."""
    return {
        FIXED: [{"pace": FixedSteps(steps)} for steps in STEPS],
        "fixed_margin": [{"order": Margin(), "pace": FixedSteps(steps)} for steps in STEPS],
        "threshold": [{"pace": Threshold(share)} for share in SHARES],
        "margin": [{"order": Margin(), "pace": Threshold(share)} for share in SHARES],
        "quota": [{"pace": Quota(share, 16)} for share in SHARES],
        "entropy_bound": [
            {"order": LowEntropy(), "pace": EntropyBound(nats)} for nats in (0.1, 0.25, 0.5, 1, 2, 4, 8, 16)
        ],
        "answer_probability": [
            {"pace": FixedCount(), "halting": AnswerProbability(10.0**power)}
            for power in (-12, -9, -7, -5, -4, -3, -2, -1)
        ],
        "stable": [{"pace": FixedCount(), "halting": StableAndConfident(1, share)} for share in SHARES],
        "likelihood_gain": [
            {"pace": FixedCount(), "halting": LikelihoodGain(nats)}
            for nats in (0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.003, 0)
        ],
    }


def judged(tokens, problems, judge):
    """[N] bits under the judge from the first open byte to `AFTER` bytes behind the last, an open byte: what is written
    must fit what follows, too."""
    place, length = np.arange(problems.tokens.shape[1]), problems.tokens.shape[1]
    first = problems.editable.argmax(1)[:, None]
    last = length - 1 - problems.editable[:, ::-1].argmax(1)[:, None]
    bits = nll_bits(judge, tokens, length).numpy() * ((first <= place) & (place <= last + AFTER))
    return bits.sum(1) / problems.editable.sum(1)


def answered(source, problems, judge, seed):
    """Every setting on the same problems: what was answered, with its quality and NFE."""
    queries, found = source.task.queries(problems), []
    for family, settings in families().items():
        for number, parts in enumerate(settings):
            result = Sampler(source.model, **parts).sample(queries, seed=seed)
            quality = -judged(result.answers, problems, judge)
            name = f"{family}_{number}"
            graded = ScoredAnswers(name, family, result.query.numpy(), result.nfe.numpy(), quality)
            found.append((result, graded))
            print(f"{name}: {-quality.mean():.3f} bits, {graded.nfe.mean():.2f} NFE", file=sys.stderr, flush=True)
    return found


def compared(seeds):
    """By adaptive rule: its cost over that of fixed steps at equal quality, in the better of two orders; and its bits
    saved at equal cost. Curves over problems and trainings."""
    curves = Curves([[graded for _, graded in found] for found in seeds])
    fixed = max(
        (FIXED, "fixed_margin"), key=lambda name: curves.area(name, curves.shared_costs([FIXED, "fixed_margin"])).value
    )
    return (
        fixed,
        {name: curves.compare(name, fixed) for name in curves.families if name not in (FIXED, "fixed_margin")},
        curves,
    )


def row(seeds, number, source, problems, difficulty):
    """The figures of one setting over the trainings."""
    pairs, opened = [found[number] for found in seeds], problems.editable.sum(1)
    nfe = np.stack([graded.nfe for _, graded in pairs])
    answers = [result.answers for result, _ in pairs]
    same = [(answer == torch.from_numpy(problems.tokens)).numpy() & problems.editable for answer in answers]
    correctness = [source.task.verify(answer, problems) for answer in answers]
    return {
        "sampler": pairs[0][1].name,
        "family": pairs[0][1].family,
        "nfe_mean": float(nfe.mean()),
        "nfe_p95": float(np.quantile(nfe, 0.95, method="higher")),
        "nfe_max": int(nfe.max()),
        "judge_bits_per_byte": bootstrap(mean, -np.mean([graded.quality for _, graded in pairs], axis=0)).to_json(),
        "right_bytes": bootstrap(mean, np.mean([one.sum(1) / opened for one in same], axis=0)).to_json(),
        "parses": float(np.mean([one.valid.double().mean() for one in correctness])),
        "spearman_of_steps_per_open_byte": {
            measure: spearman(values, nfe.mean(0) / opened).to_json() for measure, values in difficulty.items()
        },
    }


def inverse(ratio):
    """Theirs over ours."""
    return Interval(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "runs", nargs="+", type=Path, help="runs of the experiment text, one a training seed; the first has the judge"
    )
    parser.add_argument("--problems", type=int, default=200)
    parser.add_argument("--validation", type=int, default=100, help="problems on which the adaptive rule is chosen")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    begun = now()
    sources = [load_trained_model(run / checkpoint("masked")) for run in chosen.runs]
    judge = load_trained_model(chosen.runs[0] / checkpoint("reference")).model.denoiser
    data, length = sources[0].data, sources[0].task.length
    splits = {
        "validation": data.validation.take(slice(chosen.validation)),
        "test": data.test.take(slice(chosen.problems)),
    }
    found = {
        split: [answered(one, problems, judge, chosen.seed) for one in sources] for split, problems in splits.items()
    }
    _, tuned, _ = compared(found["validation"])
    best = min(tuned, key=lambda name: tuned[name].near_cost_ratio.value)
    problems, opened = splits["test"], splits["test"].editable.sum(1)
    bits = nll_bits(judge, torch.from_numpy(problems.tokens), length).numpy()
    difficulty = {
        "judge_bits_per_byte": (bits * problems.editable).sum(1) / opened,
        "compressed_bytes_per_byte": problems.surprise / opened,
    }
    fixed, saved, curves = compared(found["test"])
    ratio = inverse(saved[best].cost_ratio)
    result = {
        "device": environment()["device"],
        "adaptive": best,
        "fixed": fixed,
        "nfe_ratio_fixed_over_adaptive": ratio.value,
        "nfe_ratio_fixed_over_adaptive_interval": ratio.to_json(),
        "against": {name: one.to_json() for name, one in saved.items()},
        "on_validation": {name: one.to_json() for name, one in tuned.items()},
        "problems": len(problems),
        "trainings": len(sources),
        "open_bytes_mean": float(opened.mean()),
        "reference_judge_bits_per_byte": float(judged(torch.from_numpy(problems.tokens), problems, judge).mean()),
        "curves": curves.to_json(),
        "samplers": [
            row(found["test"], number, sources[0], problems, difficulty) for number in range(len(found["test"][0]))
        ],
        "manifest": provenance(
            f"measure.py RUN{' RUN' * (len(sources) - 1)} --problems {len(problems)} "
            f"--validation {chosen.validation} --seed {chosen.seed}",
            begun,
        ),
    }
    RESULTS.mkdir(exist_ok=True)
    atomic_write_file(RESULTS / "summary.json", json.dumps(result, indent=1) + "\n")
    print(f"{best}: fixed steps need {ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f}) times its forwards")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    with torch.inference_mode():
        main()
