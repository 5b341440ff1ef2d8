"""Do easy lines get fewer steps? Infilling of held-out text: every rule at several settings on the same problems."""

import argparse
import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from references import Reference, TextReference, TokenReference
from rules import FIXED, HEADS, LEARNED, MOST, STEPS, careful, halting, paced

from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.correlation import spearman
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.evaluation.intervals import Interval, bootstrap, mean
from adaptive_diffusion.evaluation.mauve import byte_features, mauve
from adaptive_diffusion.evaluation.pretrained_reference import PretrainedReference
from adaptive_diffusion.evaluation.reference_model import unigram_entropy
from adaptive_diffusion.evaluation.rivals import rivalry
from adaptive_diffusion.runs.halting_rules import STRIDE
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import environment, now, provenance
from adaptive_diffusion.training.answers_by_step import AnswersByStep
from adaptive_diffusion.training.rollouts import record, scored

RESULTS = Path(__file__).parent / "results"
SLOTS = 32


@dataclass(frozen=True)
class Answered:
    """What a rule wrote at one setting: answers [N, L], and each one's cost and quality."""

    answers: torch.Tensor
    scored: ScoredAnswers


def answered(source, problems, reference, seed):
    """Every rule at every setting on the same problems."""
    queries = source.task.queries(problems)
    ids = queries.ids.numpy()
    for family, settings in paced().items():
        for number, parts in enumerate(settings):
            result = Sampler(source.model, **parts).sample(queries, seed=seed, slots=SLOTS)
            quality = -reference.of_written(result.answers, problems)
            yield Answered(
                result.answers, ScoredAnswers(f"{family}_{number}", family, ids, result.nfe.numpy(), quality)
            )
    tried, steps = halting(), AnswersByStep()
    rules, sampler = [one.rule for one in tried], careful(source.model)
    rollouts = record(sampler, scored(source.task, problems), None, seed, SLOTS, MOST, rules, [steps])
    answers, rows = steps.packed(), torch.arange(len(problems)).repeat_interleave(rollouts.steps)
    quality = -reference.of_written(answers, problems.take(rows))

    def stopped(name, family, after):
        at = rollouts.first + after - 1
        return Answered(
            answers[at], ScoredAnswers(name, family, ids, rollouts.spent(after).numpy(), quality[at.numpy()])
        )

    for limit in STEPS:
        yield stopped(f"limit_{limit}", "limit", rollouts.steps.clamp(max=limit))
    for number, one in enumerate(tried):
        yield stopped(one.name, one.family, rollouts.stopped(rollouts.stops[:, number]))
    for family, rule in LEARNED.items():
        output = source.model.heads[rule.needs_head].predict(rollouts.observation)
        for number, setting in enumerate(rule.settings[::STRIDE]):
            after, _ = rollouts.halted(rule.with_threshold(setting), output)
            yield stopped(f"{family}_{number}", family, after)


def all_answered(source, problems, reference, seed):
    """The same as a list, with a line for each."""
    found = []
    for one in answered(source, problems, reference, seed):
        found.append(one)
        line = f"{one.scored.name}: {-one.scored.quality.mean():.3f} bits, {one.scored.nfe.mean():.2f} NFE"
        print(line, file=sys.stderr, flush=True)
    return found


def compared(seeds):
    """By adaptive rule: its cost over that of fixed steps at equal quality, in the best of its forms; and its bits
    saved at equal cost. Curves over problems and trainings."""
    curves = Curves([[one.scored for one in found] for found in seeds])
    fixed = max(FIXED, key=lambda name: curves.area(name, curves.shared_costs(FIXED)).value)
    return (
        fixed,
        {name: curves.compare(name, fixed) for name in curves.families if name not in FIXED},
        curves,
    )


def open_texts(tokens, problems, tokenizer):
    """The bytes of every problem at its open positions."""
    return [tokenizer.decode(row[opened].tolist()) for row, opened in zip(tokens, problems.editable, strict=True)]


def variety(answers, problems, tokenizer):
    """Of all that was written: bits of entropy of its bytes, the share of different ones among its sequences of three
    bytes, and how near its byte n-grams are to those of what stood there. All fall where a rule repeats itself."""
    written, real = (open_texts(tokens, problems, tokenizer) for tokens in (answers, problems.tokens))
    threes = [one[at : at + 3] for one in written for at in range(len(one) - 2)]
    entropy = unigram_entropy(torch.tensor(list(b"".join(written)))[None])
    return {
        "entropy": entropy.item(),
        "distinct_3": len(set(threes)) / len(threes),
        "mauve": mauve(byte_features(real), byte_features(written)),
    }


def row(seeds, number, source, problems, opened, difficulty):
    """The figures of one setting over the trainings; `opened` [N] bytes."""
    ours, places = [found[number] for found in seeds], problems.editable.sum(1)
    nfe = np.stack([one.scored.nfe for one in ours])
    answers = [one.answers for one in ours]
    varieties = [variety(answer.numpy(), problems, source.task.tokenizer) for answer in answers]
    same = [(answer == torch.from_numpy(problems.tokens)).numpy() & problems.editable for answer in answers]
    graded = [source.task.verify(answer, problems).valid for answer in answers] if source.task.checker else []
    return {
        "sampler": ours[0].scored.name,
        "family": ours[0].scored.family,
        "nfe_mean": float(nfe.mean()),
        "nfe_p95": float(np.quantile(nfe, 0.95, method="higher")),
        "nfe_max": int(nfe.max()),
        "reference_bits_per_byte": bootstrap(mean, -np.mean([one.scored.quality for one in ours], axis=0)).to_json(),
        "right_tokens": bootstrap(mean, np.mean([one.sum(1) / places for one in same], axis=0)).to_json(),
        **{name: float(np.mean([one[name] for one in varieties])) for name in varieties[0]},
        "parses": float(np.mean([one.double().mean() for one in graded])) if graded else None,
        "spearman_of_steps_per_open_byte": {
            measure: spearman(values, nfe.mean(0) / opened).to_json() for measure, values in difficulty.items()
        },
    }


def best_setting(seeds, family):
    """The name of the setting of a rule at which it writes best."""
    quality = {
        each[0].scored.name: np.mean([one.scored.quality.mean() for one in each])
        for each in zip(*seeds, strict=True)
        if each[0].scored.family == family
    }
    return max(quality, key=lambda name: quality[name])


def inverse(ratio):
    """Theirs over ours."""
    return Interval(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "runs",
        nargs="+",
        type=Path,
        help="runs of the experiments text or english with heads, one a training seed",
    )
    parser.add_argument("--problems", type=int, default=200)
    parser.add_argument("--validation", type=int, default=100, help="problems on which the adaptive rule is chosen")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reference", help="folder of a published model that scores; by default the first run's own")
    parser.add_argument("--gguf", help="its file of packed weights")
    parser.add_argument("--out", default="summary", help="name of the file in results/")
    chosen = parser.parse_args()
    begun = now()
    sources = [load_trained_model(run / HEADS) for run in chosen.runs]
    data, task = sources[0].data, sources[0].task
    if chosen.reference:
        published = PretrainedReference.from_pretrained(chosen.reference, gguf=chosen.gguf)
        reference: Reference = TextReference(published, task.tokenizer)
    else:
        own = load_trained_model(chosen.runs[0] / checkpoint("reference")).model.denoiser
        reference = TokenReference(own, task.length)
    splits = {
        "validation": data.validation.take(slice(chosen.validation)),
        "test": data.test.take(slice(chosen.problems)),
    }
    found = {
        split: [all_answered(one, problems, reference, chosen.seed) for one in sources]
        for split, problems in splits.items()
    }
    _, tuned, _ = compared(found["validation"])
    best = min(tuned, key=lambda name: tuned[name].near_cost_ratio.value)
    problems = splits["test"]
    opened = np.array([len(text) for text in open_texts(problems.tokens, problems, task.tokenizer)])
    difficulty = {
        "reference_bits_per_byte": reference.of_open(problems),
        "compressed_bytes_per_byte": problems.surprise / opened,
    }
    fixed, saved, curves = compared(found["test"])
    ratio = inverse(saved[best].cost_ratio)
    result = {
        "device": environment()["device"],
        "reference": reference.name,
        "adaptive": best,
        "setting": best_setting(found["validation"], best),
        "fixed": fixed,
        "nfe_ratio_fixed_over_adaptive": ratio.value,
        "nfe_ratio_fixed_over_adaptive_interval": ratio.to_json(),
        "against": {name: one.to_json() for name, one in saved.items()},
        "on_validation": {name: one.to_json() for name, one in tuned.items()},
        "problems": len(problems),
        "trainings": len(sources),
        "open_bytes_mean": float(opened.mean()),
        "held_out_reference_bits_per_byte": float(
            reference.of_written(torch.from_numpy(problems.tokens), problems).mean()
        ),
        "learned_against_unlearned": rivalry(curves, list(LEARNED)).to_json(),
        "reference_variety": variety(problems.tokens, problems, task.tokenizer),
        "curves": curves.to_json(),
        "samplers": [
            row(found["test"], number, sources[0], problems, opened, difficulty)
            for number in range(len(found["test"][0]))
        ],
        "manifest": provenance(command(chosen), begun),
    }
    RESULTS.mkdir(exist_ok=True)
    atomic_write_file(RESULTS / f"{chosen.out}.json", json.dumps(result, indent=1) + "\n")
    print(f"{best}: fixed steps need {ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f}) times its forwards")


def command(chosen):
    """What was called, without the names of folders."""
    reference = " --reference FOLDER" + (f" --gguf {chosen.gguf}" if chosen.gguf else "") if chosen.reference else ""
    out = f" --out {chosen.out}" if chosen.out != "summary" else ""
    return (
        f"measure.py RUN{' RUN' * (len(chosen.runs) - 1)} --problems {chosen.problems} "
        f"--validation {chosen.validation} --seed {chosen.seed}{reference}{out}"
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    with torch.inference_mode():
        main()
