"""Diffusion beside autoregression at equal parameters and tokens: quality, and seconds at each batch size."""

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from scoring import scoring_of

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.decoding import Decoder
from adaptive_diffusion.evaluation.curves import cost_at
from adaptive_diffusion.evaluation.intervals import bootstrap, mean
from adaptive_diffusion.evaluation.mauve import byte_features, mauve
from adaptive_diffusion.evaluation.reference_model import unigram_entropy
from adaptive_diffusion.rules.adaptive import EntropyBound
from adaptive_diffusion.rules.halting import AnswerProbability
from adaptive_diffusion.rules.order import Random
from adaptive_diffusion.rules.pace import Ancestral, FixedSteps
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remdm import Cap
from adaptive_diffusion.runs.memory import keep_freed_memory
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import environment, now, provenance
from benchmarks.text import Contender, race

RESULTS = Path(__file__).parent / "results"
PROMPT = 64
HEADLINE = "fixed_16"
"""Chosen before anything was measured: 16 forwards for 192 bytes, 12 bytes a forward."""
ADAPTIVE = "entropy_bound_8"
"""Of three bounds the one that was best on validation texts."""
RACED = "autoregressive", "fixed_4", HEADLINE, ADAPTIVE, "remdm_cap_32"
"""Whose seconds are measured; of the others only quality and forwards."""


def samplers(model):
    """What is compared: fixed steps, an adaptive pace, the same stopped by the probability of the answer, remasking.
    All draw at temperature 1 from the model's own distribution, in random order: by confidence in a drawn token, texts
    become one repeated byte."""
    made = {f"fixed_{steps}": {"pace": FixedSteps(steps)} for steps in (4, 8, 16, 32, 64)}
    made |= {f"entropy_bound_{gamma}": {"pace": EntropyBound(gamma)} for gamma in (4, 8, 16)}
    made |= {
        f"answer_probability_{threshold}": {"pace": EntropyBound(8), "halting": AnswerProbability(threshold)}
        for threshold in (0.001, 0.1)
    }
    made["remdm_cap_32"] = {"pace": Ancestral(32), "remasking": Cap(0.008)}
    return {name: Sampler(model, proposal=Draw(), order=Random(), **parts) for name, parts in made.items()}


def spread(windows, count):
    """Indices of windows from all documents."""
    return np.linspace(0, len(windows) - 1, count).round().astype(int)


def prompts(windows, count, length):
    """Queries of held-out windows whose first bytes are given."""
    tokens = torch.from_numpy(windows.tokens[spread(windows, count)])
    return Queries.of(tokens, (torch.arange(length) >= PROMPT).expand(count, -1))


def quality(answers, reference, real, tokenizer):
    """Bits per byte under the reference model, their interval over texts, entropy and the distributional measure."""
    found = bootstrap(mean, reference.bits(answers, PROMPT))
    texts = [tokenizer.decode(row) for row in answers[:, PROMPT:].tolist()]
    return {
        "reference_bits_per_byte": found.value,
        "low": found.low,
        "high": found.high,
        "unigram_entropy": unigram_entropy(answers[:, PROMPT:]).mean().item(),
        "mauve": mauve(real, byte_features(texts)),
    }


def qualities(asked, decoder, made, reference, real, tokenizer, seed):
    """Of held-out text, of autoregression, of every sampler."""
    decoded = decoder.decode(asked, seed=seed)
    measured = {
        "held_out": quality(asked.tokens, reference, real, tokenizer),
        "autoregressive": {
            "forwards": decoded.written.double().mean().item(),
            **quality(decoded.answers, reference, real, tokenizer),
        },
    }
    for name, sampler in made.items():
        result = sampler.sample(asked, seed=seed)
        measured[name] = {
            "forwards": result.nfe.double().mean().item(),
            "revisions": result.revisions.double().mean().item(),
            **quality(result.answers, reference, real, tokenizer),
        }
        print(name, measured[name], file=sys.stderr)
    return measured


def crossing(rows, name, clock):
    """The smallest measured batch at which autoregression writes more tokens a second; None where it never did."""
    speed = {(row["sampler"], row["batch"]): row[f"tokens_per_{clock}second"] for row in rows}
    batches = sorted(batch for sampler, batch in speed if sampler == name)
    return next((batch for batch in batches if speed["autoregressive", batch] > speed[name, batch]), None)


def in_time(contenders, before, patience):
    """Those that took less than half of the patience for the batch before, which was half as large, and whoever has to
    be there: the two of the claim."""
    slow = {row["sampler"] for row in before if 2 * row["seconds"] > patience}
    return [each for each in contenders if each.name in ("autoregressive", HEADLINE) or each.name not in slow]


def raced(chosen, decoder, made, windows, length):
    """The seconds of every contender at every batch."""
    contenders = [
        Contender("autoregressive", lambda queries: decoder.decode(queries, slots=1024).written),
        *(
            Contender(name, lambda queries, s=made[name]: s.sample(queries, slots=chosen.slots).nfe)
            for name in RACED
            if name in made
        ),
    ]
    rows, last = [], []
    for batch in chosen.batches:
        index = torch.arange(batch) % len(windows)
        queries = prompts(windows, len(windows), length).take(index)
        queries = Queries(torch.arange(batch), queries.tokens, queries.editable)
        contenders = in_time(contenders, last, chosen.patience)
        last = list(race(contenders, queries, chosen.tries))
        rows += last
        print(batch, {row["sampler"]: round(row["seconds"], 2) for row in last}, file=sys.stderr)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a finished run of the experiment text")
    parser.add_argument("--reference", help="a published model that scores the texts; the run's own by default")
    parser.add_argument("--gguf", help="the file of its weights in that folder, for the format GGUF")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--texts", type=int, default=256, help="for quality")
    parser.add_argument("--samplers", nargs="+", help="only these, the headline always among them")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024])
    parser.add_argument("--keep-quality", action="store_true", help="measure seconds alone; quality as in the results")
    parser.add_argument("--keep-seconds", action="store_true", help="measure quality alone; seconds as in the results")
    parser.add_argument("--tries", type=int, default=2)
    parser.add_argument(
        "--slots", type=int, default=32, help="texts a forward of diffusion; more of them leave the cache of two cores"
    )
    parser.add_argument("--patience", type=float, default=50, help="seconds a try may take, but for the headline's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--processor-time", action="store_true", help="compare processor seconds: for one thread on a busy machine"
    )
    chosen = parser.parse_args()
    begun = now()
    masked, autoregressive = (
        load_trained_model(chosen.run / checkpoint(name)) for name in ("masked", "autoregressive")
    )
    data, length = masked.data, masked.task.length
    windows, tokenizer = data.windows("test"), masked.task.tokenizer
    reference = scoring_of(chosen.run, chosen.reference, chosen.gguf, tokenizer)
    others = np.delete(windows.tokens, spread(windows, chosen.texts), axis=0)
    real = byte_features([tokenizer.decode(row[PROMPT:].tolist()) for row in others])
    asked = prompts(windows, chosen.texts, length)
    decoder = Decoder(autoregressive.model.denoiser)
    made = samplers(masked.model)
    if chosen.samplers is not None:
        made = {name: made[name] for name in made if name in {HEADLINE, *chosen.samplers}}

    if chosen.keep_quality:
        measured = json.loads((chosen.out / "summary.json").read_text())["quality"]
    else:
        measured = qualities(asked, decoder, made, reference, real, tokenizer, chosen.seed)

    if chosen.keep_seconds:
        rows = json.loads((chosen.out / "summary.json").read_text())["seconds"]
    else:
        rows = raced(chosen, decoder, made, windows, length)
    summarise(
        chosen, begun, measured, rows, {"masked": masked, "autoregressive": autoregressive, "reference": reference}
    )


def summarise(chosen, begun, measured, rows, sources):
    """Writes summary.json."""
    clock = "processor_" if chosen.processor_time else ""
    speed = {(row["sampler"], row["batch"]): row[f"{clock}seconds"] for row in rows}
    names = [name for name in measured if name not in ("held_out", "autoregressive")]
    timed = [name for name in names if any(row["sampler"] == name for row in rows)]
    cross = {name: crossing(rows, name, clock) for name in timed}
    least = min(chosen.batches)
    fixed = sorted((name for name in names if name.startswith("fixed")), key=lambda name: int(name[6:]))
    saved = ratios(measured, fixed, [name for name in names if name not in fixed])
    result = {
        "crossing_batch_size": cross[HEADLINE],
        "crossing_reason": None if cross[HEADLINE] else f"no crossing up to batch {max(chosen.batches)}",
        "headline": HEADLINE,
        "clock": "processor seconds" if clock else "seconds",
        "crossing_by_sampler": cross,
        "latency_speedup_batch1": speed["autoregressive", least] / speed[HEADLINE, least],
        "latency_speedup_by_sampler": {name: speed["autoregressive", least] / speed[name, least] for name in timed},
        "quality_gap": measured[HEADLINE]["reference_bits_per_byte"]
        - measured["autoregressive"]["reference_bits_per_byte"],
        "adaptive": ADAPTIVE,
        "nfe_ratio_fixed_over_adaptive": saved.get(ADAPTIVE),
        "nfe_ratio_by_sampler": saved,
        "device": environment()["device"],
        "parameters": {name: sum(p.numel() for p in source.model.parameters()) for name, source in sources.items()},
        "prompt": PROMPT,
        "length": sources["masked"].task.length,
        "texts": chosen.texts,
        "quality": measured,
        "seconds": rows,
        "likelihood": json.loads((chosen.run / "bits_per_byte.json").read_text()),
        "manifest": provenance(
            f"measure.py RUN --texts {chosen.texts} --batches {' '.join(map(str, chosen.batches))} "
            f"--tries {chosen.tries} --patience {chosen.patience} --slots {chosen.slots} --seed {chosen.seed}"
            f"{' --reference FOLDER' if chosen.reference else ''}"
            f"{' --processor-time' if clock else ''}{' --keep-quality' if chosen.keep_quality else ''}"
            f"{' --keep-seconds' if chosen.keep_seconds else ''}",
            begun,
        ),
    }
    chosen.out.mkdir(parents=True, exist_ok=True)
    atomic_write_file(chosen.out / "summary.json", json.dumps(result, indent=1) + "\n")


def ratios(measured, fixed, adaptive):
    """By adaptive sampler: forwards that fixed steps need for the same quality, over its own."""
    bits, forwards = (
        np.array([[measured[name][key] for name in fixed]]) for key in ("reference_bits_per_byte", "forwards")
    )
    targets = {name: min(-measured[name]["reference_bits_per_byte"], (-bits).max()) for name in adaptive}
    needed = {name: cost_at(forwards, -bits, np.array([target]))[0] for name, target in targets.items()}
    return {name: float(needed[name] / measured[name]["forwards"]) for name in adaptive}


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    keep_freed_memory()  # as the command does
    with torch.inference_mode():
        main()
