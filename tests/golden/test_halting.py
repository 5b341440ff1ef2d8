"""Prophet and SchED stop where the original implementations do."""

from dataclasses import replace

import pytest
import torch
from golden_cases import Replay, of, recorded, records, sampler_of, steps_of, written

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.rules.halting import Prophet, Sched
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.step import step


def is_run(case):
    return "sequence" in case


@of("prophet", lambda case: not is_run(case))
def test_thresholds_of_prophet(case):
    assert Prophet(case["steps"]).threshold(torch.arange(case["steps"])).tolist() == case["decision"]["thresholds"]


@of("prophet", is_run)
def test_prophet(case):
    """Differs: the mean gap runs over all positions of the answer, the original's over five that its caller names. So
    every record is given with these five as the answer."""
    for record in records(case):
        span = torch.tensor([[position in case["span"] for position in range(len(record["tokens"]))]])
        tokens = torch.tensor([record["tokens"]])
        committed = span & (tokens < len(record["logits"][0]))
        sampler = Sampler(Replay({"sequence": [record]}), halting=Prophet(case["steps"]))
        state = sampler.begin(Queries(torch.tensor([0]), tokens, span, committed), torch.tensor([0]), seed=0)
        made = step(sampler, replace(state, earlier_steps=torch.tensor([record["step"]])), max_steps=9)
        assert bool(made.halt_decision.stop[0]) == record["decision"]["stop"], record["step"]
        assert float(made.halt_decision.seen["gap"][0]) == pytest.approx(record["decision"]["gap"], abs=1e-5)
        assert float(made.halt_decision.seen["threshold"][0]) == record["decision"]["threshold"]


def is_ours(case):
    """Differs: the exponential threshold over open positions, without patience, is the only one of its options."""
    options = case["tau_mode"], case.get("average_over_masked", True), case.get("patience_steps", 0)
    return options == ("exp", True, 0)


@of("sched", lambda case: is_run(case) and is_ours(case))
def test_sched(case):
    settings = {"high": "tau_high", "low": "tau_low", "rate": "tau_k"}
    sampler = sampler_of(
        "sched",
        case,
        f"pace.steps={case['steps']}",
        *(f"+halting.{ours}={case[theirs]}" for ours, theirs in settings.items()),
        f"+halting.change={case['max_change_ratio']}",
    )
    done = steps_of(sampler, case)
    assert len(done) == case["forwards"]
    for made, record in zip(done, records(case), strict=True):
        assert written(made) == recorded(record), record["step"]
        assert bool(made.halt_decision.stop[0]) == record["decision"]["stop"], record["step"]
        assert float(made.halt_decision.seen["threshold"][0]) == pytest.approx(
            record["decision"]["threshold"], abs=1e-7
        )
    assert done[-1].after.tokens[0].tolist() == case["answer"]


@of("sched", lambda case: not is_run(case) and is_ours(case))
def test_thresholds_of_sched(case):
    shape = case["tau_high"], case["tau_low"], case["tau_k"]
    if "steps" in case:
        threshold = Sched(case["steps"], *shape).threshold(torch.arange(case["steps"]))
    else:
        threshold = Sched(101, *shape).threshold(torch.tensor(case["progress"]) * 100)
    assert threshold.tolist() == pytest.approx(case["decision"]["thresholds"], abs=1e-7)
