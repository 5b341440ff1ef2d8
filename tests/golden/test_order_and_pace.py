"""Samplers that only commit decide as the original implementations do."""

import pytest
import torch
from golden_cases import (
    RecordedDraw,
    RecordedNoise,
    of,
    recorded,
    records,
    sampler_of,
    steps_of,
    written,
)
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.rule import Revision
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.order import Confidence, GumbelConfidence
from adaptive_diffusion.rules.pace import (
    Ancestral,
    CosineSteps,
    FixedCount,
    FixedSteps,
    ProportionalSteps,
)
from adaptive_diffusion.rules.plans.early_tokens import EarlyTokens
from adaptive_diffusion.rules.processor import Temperature, TopP
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import NoRemasking


def runs(case):
    return "logits" in records(case)[0]


def compare(sampler, case, differs=lambda record: False):
    """Compares every step of a run: the sequence before it and what is written. False where the comparison ends before
    the run does, at a difference on purpose."""
    done = steps_of(sampler, case)
    for step, record in zip(done, records(case), strict=False):
        if differs(record):
            return False
        assert step.before.tokens[0].tolist() == record["tokens"], record.get("step")
        assert written(step) == recorded(record), record.get("step")
    if "answer" in case:
        assert step.after.tokens[0].tolist() == case["answer"]
    return True


@of("fast_dllm")
def test_fast_dllm(case):
    """Differs: which of two exactly equal tokens is taken; there only the positions are compared."""
    threshold, block_length = f"pace.threshold={case['threshold']}", case.get("block_length")
    sampler = sampler_of("fast_dllm", case, threshold, block_length=block_length)
    if "edge" in case:
        assert list(written(steps_of(sampler, case)[0])) == case["decision"]["write"]
    else:
        assert compare(sampler, case)


@of("fast_dllm_factor")
def test_fast_dllm_factor(case):
    """Differs: the paper's strict rule; the code accepts equality and commits a last position that fails alone."""
    factor, block_length = f"pace.factor={case['factor']}", case.get("block_length")
    sampler = sampler_of("fast_dllm_factor", case, factor, block_length=block_length)
    assert compare(sampler, case, lambda record: "edge" in record) == (
        not any("edge" in each for each in records(case))
    )
    assert len(written(steps_of(sampler, case)[0])) == records(case)[0]["count_by_the_paper"]


@of("entropy_bound")
def test_entropy_bound(case):
    sampler = sampler_of("entropy_bound", case, f"pace.gamma={case['gamma']}")
    assert compare(sampler, case)
    by_confidence = sampler_of("entropy_bound", case, f"pace.gamma={case['gamma']}", order=Confidence())
    assert list(written(steps_of(by_confidence, case)[0])) == case["by_confidence_order"]["write"]


def tempered(case):
    """The processors and the proposal of Dream at a temperature."""
    if not case.get("temperature"):
        return {}
    nucleus = [TopP(case["top_p"])] if case["top_p"] else []
    return {"proposal": Draw(), "processors": (Temperature(case["temperature"]), *nucleus)}


def replayed_draws(monkeypatch, case):
    if case.get("temperature"):
        RecordedNoise(case, drawn=[record["uniforms"] for record in records(case)]).install(monkeypatch)


@of("margin")
def test_margin(case, monkeypatch):
    """One order with three published counts: k, Dream's clock, LLaDA's quota."""
    if "count" in case:
        assert compare(sampler_of("margin", case, f"pace.count={case['count']}"), case)
    elif "eps" in case:
        replayed_draws(monkeypatch, case)
        pace = ProportionalSteps(case["steps"], case["eps"])
        assert compare(sampler_of("margin", case, pace=pace, **tempered(case)), case)
    else:
        per_block = case["steps"] // (case["length"] // case["block_length"])
        assert compare(
            sampler_of("margin", case, f"+block_length={case['block_length']}", pace=FixedSteps(per_block)), case
        )


@of("entropy", runs)
def test_entropy(case, monkeypatch):
    """Differs: a row ends when all is committed; the original computes its remaining steps."""
    replayed_draws(monkeypatch, case)
    settings = [f"pace.steps={case['steps']}", f"+pace.end={case['eps']}"]
    assert compare(sampler_of("entropy", case, *settings, **tempered(case)), case)


def counts(pace, masks, steps):
    """How many of `masks` open positions a pace commits in each step."""
    found, left = [], masks
    for step in range(steps):
        committed = [[0] * left + [1] * (masks - left)]
        state = sampler_state([[9] * masks], committed=committed, step=torch.tensor([step]))
        score, level = torch.zeros(1, masks), pace.next_level(state)
        count = int(pace(state, prediction((1, masks)), score, Revision.none(state), level)[0])
        found.append(min(count, left))
        left -= found[-1]
    return found


@of("entropy", lambda case: not runs(case))
def test_counts_of_dream(case):
    pace = ProportionalSteps(case["steps"], case["eps"])
    assert counts(pace, case["masks"], case["steps"]) == case["decision"]["counts"]


@of("llada", runs)
def test_llada(case):
    """Differs: `steps` are those of a block. A block that is full ends; the original computes its remaining steps."""
    settings = [f"pace.steps={case['steps_per_block']}", f"block_length={case['block_length']}"]
    drawn = {"proposal": RecordedDraw(case)} if case["temperature"] else {}
    done = steps_of(sampler_of("llada", case, *settings, **drawn), case)
    wrote = [record for record in records(case) if record["decision"]["write"]]
    assert [written(step) for step in done] == [recorded(record) for record in wrote]
    assert done[-1].after.tokens[0].tolist() == case["answer"]


@of("llada", lambda case: not runs(case))
def test_quota_of_llada(case):
    assert counts(FixedSteps(case["steps"]), case["masks"], case["steps"]) == case["decision"]["counts"]


@of("klass")
def test_klass(case):
    """Differs: a quota above the open positions overwrites nothing."""
    settings = [
        *(f"order.{key}={case[key]}" for key in ("epsilon", "history", "threshold")),
        f"pace.steps={case['steps_per_block']}",
        f"+block_length={case['block_length']}",
    ]
    sampler = sampler_of("klass", case, *settings)
    complete = compare(sampler, case, lambda record: "edge" in record)
    assert complete == (case["name"] != "the fallback asks for more than is open")


@of("maskgit", runs)
def test_maskgit(case, monkeypatch):
    """Differs: the cosine in float64, and no position that must stay open before the last step."""
    RecordedNoise(case, order=[record["uniforms_gumbel"] for record in records(case)]).install(monkeypatch)
    order = GumbelConfidence(case["steps"], case["choice_temperature"])
    sampler = sampler_of("maskgit", case, f"pace.steps={case['steps']}", order=order, proposal=RecordedDraw(case))

    def differs(record):
        return "edge" in record or record["decision"]["count"] == 0

    assert compare(sampler, case, differs) == (not any(map(differs, records(case))))


@of("maskgit", runs)
def test_order_of_maskgit(case, monkeypatch):
    """Every record for itself, with the original's count."""
    for record in records(case):
        count, scale = record["decision"]["count"], record["gumbel_scale"]
        if count:
            RecordedNoise(record, order=[record["uniforms_gumbel"]]).install(monkeypatch)
            order = GumbelConfidence(2, 2 * scale)  # half of its noise is left in the first of two steps
            parts = {"order": order, "pace": FixedCount(count), "proposal": RecordedDraw(record)}
            assert written(steps_of(sampler_of("maskgit", record, **parts), record)[0]) == recorded(record)


@of("maskgit", lambda case: not runs(case))
def test_schedule_of_maskgit(case):
    """Differs: in float64, so compared with the float64 values that stand beside the original's."""
    state = sampler_state([[9] * case["masks"]] * case["steps"], step=torch.arange(case["steps"]))
    share = CosineSteps(case["steps"]).open_after(state)
    assert (case["masks"] * share).floor().tolist() == case["in_float64"]


@of("mdlm", lambda case: "sequence" in case)
def test_commit_probability_of_mdlm(case, monkeypatch):
    """Differs: the clock ends at 0 instead of 1e-5, so probabilities agree to three digits; draws are our own."""
    pace = Ancestral(case["steps"])
    for record in case["sequence"]:
        state = sampler_state(
            [record["tokens"]],
            committed=[[not each for each in record["open"]]],
            step=torch.tensor([record["step"]]),
            noise_level=torch.tensor([1 - record["step"] / case["steps"]], dtype=torch.float64),
        )
        for shift, expected in ((-1.5e-3, sum(record["open"])), (1.5e-3, 0)):
            uniform = [record["commit_probability"] + shift] * len(record["tokens"])
            monkeypatch.setattr("adaptive_diffusion.core.row_noise.RowNoise.everywhere", always(uniform))
            look, score = prediction((1, len(uniform))), torch.zeros(1, len(uniform))
            count = pace(state, look, score, Revision.none(state), pace.next_level(state))
            assert int(count[0]) == expected


def always(uniform):
    return lambda noise, purpose, length: torch.tensor([uniform], dtype=torch.float64)


@of("mdlm", lambda case: "sequence" in case)
def test_mdlm_computes_a_sequence_again_only_when_it_changed(case):
    """The original's cache, as recorded, is our rule: reused exactly where the step before changed nothing, unless the
    denoiser is conditioned on the time. Differs: the original computes one more forward, for its argmax at the end."""
    caches = case["sampler"] == "ddpm_cache" and not case["time_conditioning"]
    changed = [record["decision"]["changed"] for record in case["sequence"]]
    computed = [record["computed"] for record in case["sequence"]]
    assert computed == [True, *(each or not caches for each in changed[:-1])]
    assert case["count_of_forwards"] == sum(computed) + case["noise_removal"]


@of("first_hitting")
def test_first_hitting(case, monkeypatch):
    """The times and the one position per step; which position and token is drawn from our own noise."""
    blocks = dict.fromkeys(record["block"][0] for record in records(case))
    for begin in blocks:  # a sequence of its own, since the original's grows with every block
        block = {"sequence": [record for record in records(case) if record["block"][0] == begin]}
        first, *later = [record["uniform_of_the_time"] for record in records(block)]
        RecordedNoise(block, first_hitting=[first], hitting=[*later, 0.5]).install(monkeypatch)
        for step, record in zip(steps_of(sampler_of("first_hitting", block), block), records(block), strict=True):
            assert float(step.before.noise_level[0]) == pytest.approx(record["time"], rel=1e-6)
            assert len(written(step)) == 1
            assert int(step.before.open.sum()) == sum(record["open"])


@of("per_token")
def test_early_tokens_of_just_on_time(case):
    """What is committed early, in any block. Differs: our sampler writes in the present block only."""
    settings = {"high": case["max_threshold"], "low": case["min_threshold"]}
    rule = EarlyTokens(one_per_step(), **settings, decay=case["decay"], reach=case["max_distance"])
    step = steps_of(sampler_of("per_token", case, plan=rule), case)[0]
    threshold = torch.tensor(case["threshold"]).double()
    torch.testing.assert_close(rule.threshold(step.before)[0], threshold, atol=2e-5, rtol=2e-5)
    if settings["high"] > settings["low"]:  # the original switches the rule off otherwise
        scheduled = steps_of(sampler_of("per_token", case, plan=one_per_step()), case)[0]
        assert {*written(step)} == {*case["by_ratio"], *written(scheduled)}


def one_per_step():
    return Composed(Confidence(), FixedCount(1), NoRemasking())
