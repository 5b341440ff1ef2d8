"""Self-correction against caution and starting over on one checkpoint: every rule over its settings on test puzzles, so
that curves can be compared, and mistakes planted in finished answers."""

import argparse
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from families import FAMILIES, POLICIES, family, looking_through, policies
from torch.utils.flop_counter import FlopCounterMode

from adaptive_diffusion.core.step_summaries import step_summaries
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.evaluation.correction import correction_counts, summarise_correction
from adaptive_diffusion.evaluation.error_injection import Repair, planted
from adaptive_diffusion.evaluation.replay import Replay
from adaptive_diffusion.rules.plans.correcting import LearnedRevising, position_summaries
from adaptive_diffusion.runs.compare import compare
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.sampling.step import step
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import environment

RESULTS = Path(__file__).parent / "results"
PLANTED = (0, 1, 2, 3, 4)


def on_test(source, problems, seed, names=(*POLICIES, *FAMILIES)):
    """A row for every setting of these families, its figures query by query, and its sampler."""
    rows, queries, samplers = [], {}, {}
    for name in names:
        for setting, sampler in (policies if name in POLICIES else family)(source.model, name):
            row, answers = compare(setting, sampler, source.task, problems, seed, family=name)
            print(f"  {setting}: {100 * row['correct']:.2f}% at {row['nfe_mean']:.2f} NFE", file=sys.stderr)
            rows.append(row)
            queries[setting] = {
                "exact": "".join(map(str, answers.quality.astype(int))),
                "nfe": " ".join(map(str, answers.nfe.astype(int))),
            }
            samplers[setting] = sampler
    return rows, queries, samplers


def corrected(source, problems, seed, rows, samplers):
    """What became of the mistakes of the most accurate setting of `correcting`."""
    main = max((row for row in rows if row["family"] == "correcting"), key=lambda row: row["correct"])["sampler"]
    with tempfile.TemporaryDirectory() as folder:
        compare(main, samplers[main], source.task, problems, seed, trace=Path(folder) / "trace")
        counts = correction_counts(Replay.of(read_trace(Path(folder) / "trace")))
    return {name: plain(interval) for name, interval in summarise_correction(counts).values().items()}


def again(result, source, problems, seed, names):
    """The result with these families measured again on the same puzzles."""
    before = len(next(iter(result["queries"].values()))["exact"])
    if before != len(problems):
        sys.exit(f"the result has {before} puzzles, not {len(problems)}: add --puzzles {before}, or leave out --only")
    rows, queries, _ = on_test(source, problems, seed, names)
    new = {row["sampler"]: row for row in rows}
    samplers = [new.get(row["sampler"], row) for row in result["samplers"]]
    return {**result, "samplers": samplers, "queries": result["queries"] | queries}


def repaired(sampler, task, problems, seed):
    """Per number of planted mistakes: shares of boards right at the end, of mistakes found, and what was broken."""
    queries, truth = task.queries(problems), task.targets(problems)
    table = {}
    for count in PLANTED:
        drafts = planted(queries, truth, count, task.vocabulary, seed)
        result = sampler.sample(drafts, seed=seed)
        outcome = Repair.of(drafts, truth, result.answers)
        table[str(count)] = {
            "exact": "".join(map(str, outcome.exact.int().tolist())),
            "found": int(outcome.found.sum()),
            "right": int(outcome.right.sum()),
            "broken": int(outcome.broken.sum()),
            "clues_touched": int((~outcome.kept).sum()),
            "nfe_mean": result.nfe.double().mean().item(),
            "cycled": int(result.cycled.sum()),
            "budget_spent": int(result.budget_spent.sum()),
        }
    return table


def careful_repair(source, problems, seed):
    """The setting that repairs most on validation puzzles among those that keep right boards right."""
    best, most = None, (-1.0, -1.0)
    for name, sampler in looking_through(source.model):
        table = repaired(sampler, source.task, problems, seed)
        kept, rest = (np.mean([share(table[str(count)]) for count in counts]) for counts in ((0,), PLANTED[1:]))
        print(f"  {name}: {100 * rest:.2f}% repaired, {100 * kept:.2f}% kept", file=sys.stderr)
        if (min(kept, 0.995), rest) > most:
            best, most = (name, sampler), (min(kept, 0.995), rest)
    return best


def share(row):
    return row["exact"].count("1") / len(row["exact"])


def head_cost(source, problems):
    """What quality, halting and policy heads add to one forward, in floating-point operations and processor time."""
    model = source.model
    sampler = Sampler(model, plan=LearnedRevising(head=model.head("policy")))
    queries = source.task.queries(problems.take(slice(256)))
    state = sampler.begin(queries, torch.zeros_like(queries.ids), 0)
    done = step(sampler, state, 99)
    hidden = done.prediction.evaluation.hidden
    summaries = step_summaries(done.before, done.prediction, done.decision)
    places = position_summaries(done.before, done.prediction)

    def trunk():
        model.logits(model.denoiser.evaluate(state).hidden.flatten(0, 1))

    def heads():
        model.head("quality")(hidden)
        model.head("halting")(hidden, summaries, state.editable)
        model.head("policy")(places)

    def operations(work):
        with FlopCounterMode(display=False) as counter:
            work()
        return counter.get_total_flops()

    def seconds(work, times=10):
        work()
        begin = time.process_time()
        for _ in range(times):
            work()
        return (time.process_time() - begin) / times

    counted, measured = operations(heads) / operations(trunk), seconds(heads) / seconds(trunk)
    return {"counted": counted, "measured": measured}


def plain(interval):
    return [None if np.isnan(number) else float(number) for number in interval]


def measured(source, seed, test, validation):
    """Every family on test puzzles, then planted mistakes and the cost of the heads."""
    rows, queries, samplers = on_test(source, test, seed)
    name, sampler = careful_repair(source, validation, seed)
    return {
        "samplers": rows,
        "queries": queries,
        "correction": corrected(source, test, seed, rows, samplers),
        "repairing": name,
        "planted": repaired(sampler, source.task, test, seed),
        "head_cost": head_cost(source, validation),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the run folder of self_correction, or a checkpoint with heads")
    parser.add_argument("--seed", type=int, required=True, help="of the training; names the result file")
    parser.add_argument("--puzzles", type=int, default=2000)
    parser.add_argument("--validation", type=int, default=1000)
    parser.add_argument("--only", nargs="+", choices=(*POLICIES, *FAMILIES), help="measure these again, keep the rest")
    arguments = parser.parse_args()
    source = load_trained_model(arguments.source)
    validation = source.data.validation.take(slice(arguments.validation))
    test = source.data.test.take(slice(arguments.puzzles))
    file = RESULTS / f"seed_{arguments.seed}.json"
    if arguments.only:
        result = again(json.loads(file.read_text()), source, test, arguments.seed, arguments.only)
    else:
        result = {
            "command": f"measure.py {arguments.source.name} --seed {arguments.seed} --puzzles {len(test)} "
            f"--validation {len(validation)}",
            "seed": arguments.seed,
            "environment": environment(),
            **measured(source, arguments.seed, test, validation),
        }
    RESULTS.mkdir(exist_ok=True)
    atomic_write_file(file, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    with torch.no_grad():
        main()
