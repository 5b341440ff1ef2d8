"""Self-correction against caution and starting over on one checkpoint: settings chosen on validation puzzles, figures
on test puzzles, and mistakes planted in finished answers."""

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


def answered(samplers, task, problems, seed):
    """Summary row and per-query figures of each sampler [(name, sampler)]."""
    rows, settings = {}, {}
    for name, sampler in samplers:
        rows[name], settings[name] = compare(name, sampler, task, problems, seed)
        print(f"  {name}: {100 * rows[name]['correct']:.2f}% at {rows[name]['nfe_mean']:.2f} NFE", file=sys.stderr)
    return rows, settings


def most_accurate(rows, budget):
    """The row of highest accuracy within a mean NFE; the cheapest where none is within."""
    within = [row for row in rows.values() if row["nfe_mean"] <= budget]
    return max(within, key=lambda row: (row["correct"], -row["nfe_mean"])) if within else cheapest(rows.values())


def not_below(rows, cost):
    """The row of smallest mean NFE that is not below `cost`; the dearest where all are below."""
    reaching = [row for row in rows.values() if row["nfe_mean"] >= cost]
    return cheapest(reaching) if reaching else max(rows.values(), key=lambda row: row["nfe_mean"])


def cheapest(rows):
    return min(rows, key=lambda row: row["nfe_mean"])


def chosen_settings(source, problems, budget, seed):
    """Names of the settings that the test is run with: the policies' best within the budget, and of each headless
    family the cheapest that spends at least as much as `correcting`."""
    ours, table = {}, {}
    for name in POLICIES:
        table[name] = answered(policies(source.model, name), source.task, problems, seed)[0]
        ours[name] = most_accurate(table[name], budget)
    cost = ours["correcting"]["nfe_mean"]
    chosen = {name: row["sampler"] for name, row in ours.items()}
    for name in FAMILIES:
        table[name] = answered(family(source.model, name), source.task, problems, seed)[0]
        chosen[name] = not_below(table[name], cost)["sampler"]
    return chosen, {name: list(rows.values()) for name, rows in table.items()}


def on_test(source, problems, chosen, seed):
    """Rows and per-query figures of the chosen settings, and what became of the main policy's mistakes."""
    rows, queries = {}, {}
    for name, setting in chosen.items():
        samplers = dict((policies if name in POLICIES else family)(source.model, name))
        row, settings = answered([(setting, samplers[setting])], source.task, problems, seed)
        figures = settings[setting]
        rows[name] = row[setting] | {"family": name}
        queries[name] = {"exact": "".join(map(str, figures.quality.astype(int))), "nfe": figures.nfe.tolist()}
    main = dict(policies(source.model, "correcting"))[chosen["correcting"]]
    with tempfile.TemporaryDirectory() as folder:
        compare("correcting", main, source.task, problems, seed, trace=Path(folder) / "trace")
        counts = correction_counts(Replay.of(read_trace(Path(folder) / "trace")))
    correction = {name: plain(interval) for name, interval in summarise_correction(counts).values().items()}
    return {"samplers": list(rows.values()), "queries": queries, "correction": correction}


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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the run folder of self_correction, or a checkpoint with heads")
    parser.add_argument("--seed", type=int, required=True, help="of the training; names the result file")
    parser.add_argument("--puzzles", type=int, default=2000)
    parser.add_argument("--validation", type=int, default=1000)
    parser.add_argument("--budget", type=float, default=1.7, help="mean NFE that a policy may spend on validation")
    told = parser.parse_args()
    source = load_trained_model(told.source)
    validation, test = source.data.validation.take(slice(told.validation)), source.data.test.take(slice(told.puzzles))
    chosen, table = chosen_settings(source, validation, told.budget, told.seed)
    result = {
        "command": f"measure.py {told.source.name} --seed {told.seed} --puzzles {len(test)} "
        f"--validation {len(validation)} --budget {told.budget}",
        "seed": told.seed,
        "environment": environment(),
        "validation": table,
        "chosen": chosen,
        **on_test(source, test, chosen, told.seed),
    }
    name, sampler = careful_repair(source, validation, told.seed)
    result |= {"repairing": name, "planted": repaired(sampler, source.task, test, told.seed)}
    result |= {"head_cost": head_cost(source, validation)}
    RESULTS.mkdir(exist_ok=True)
    atomic_write_file(RESULTS / f"seed_{told.seed}.json", json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    with torch.no_grad():
        main()
