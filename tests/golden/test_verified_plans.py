"""Plans with a planner, a verifier or a learned score decide as the original implementations do; each test names its
differences on purpose."""

import math

import pytest
import torch
from golden_steps import (
    Prescribed,
    Recorded,
    of,
    one_step,
    positions,
    recorded,
    recorded_file,
    remasked,
    sampler_of,
    state_of,
    use_uniforms,
    written,
)

from adaptive_diffusion.models.wrappers import Planned, shadow_attention
from adaptive_diffusion.rules.plans.prism import BinomialQuality
from adaptive_diffusion.rules.proposal import Argmax, Draw


class Planner(torch.nn.Module):
    def __init__(self, logits):
        super().__init__()
        self.given = torch.tensor([logits])

    def forward(self, state):
        return self.given


@of("ddpd", lambda case: case["planner_softmax"])
def test_ddpd(case, monkeypatch):
    """Differs: the position is always drawn by the softmax of the planner's logits; the denoiser is one of masks; the
    final fill never writes a mask."""
    uniforms = case["uniforms"]
    mask = {"planner_mask": uniforms["mask"]} if "mask" in uniforms else {}
    use_uniforms(monkeypatch, planner=uniforms["position"], drawn=uniforms["token"], **mask)
    denoiser = Prescribed([row[:-1] for row in case["logits"]])
    planned = Planned(denoiser, Planner(case["planner_logits"]), temperature=case["temperature"])
    draw = Draw(case["temperature"])
    sampler = sampler_of("ddpd", planned, plan={"steps": case["steps"]}, proposal=draw)
    state = state_of({**case, "open": [False] * len(case["tokens"])}, sampler)
    done = one_step(sampler, state)
    decision = case["decision"]
    assert positions(done.prediction["planned"]) == decision["write"]
    if case["denoiser"] == "mask":
        seen = denoiser.seen[0]
        assert seen.tokens[0].tolist() == decision["denoiser_input"]
        assert float(1 - seen.noise_level) == pytest.approx(case["time"], abs=1e-6)
    expected = decision["final_canvas"] if decision["stop"] else decision["canvas_after"]
    masks = {i for i in decision.get("final_fill", []) if expected[i] == denoiser.vocabulary}
    differs = zip(done.decision.tokens_after(state)[0].tolist(), expected, strict=True)
    assert {i for i, (ours, theirs) in enumerate(differs) if ours != theirs} == masks
    assert bool(done.decision.settled) == decision["stop"]


@of("wino")
def test_wino(case):
    begin, end = case["block"]
    inside = [begin <= i < end for i in range(len(case["tokens"]))]
    verified = [1.0 if value is None else value for value in case["verified"]]
    verified = (verified + [1.0] * len(inside))[: len(inside)]
    denoiser = Prescribed(case["logits"], verified=verified)
    sampler = sampler_of("wino", denoiser, plan={"accept": case["threshold"], "keep": case["threshold_back"]})
    is_open = [each and within for each, within in zip(case["open"], inside, strict=True)]
    row = {**case, "given": [not each for each in inside], "open": is_open}
    done = one_step(sampler, state_of(row, sampler, {"wino.accepted": case["previous_acceptance"]}))
    assert written(done) == recorded(case)
    assert remasked(done) == case["decision"]["remask"]
    assert bool(done.decision.settled) == case["decision"]["stop"]


def test_shadows_of_wino_see_what_the_original_lets_them_see():
    case = recorded_file("wino")["cases"][0]
    begin, end = case["block"]
    length, allowed = len(case["tokens"]), case["attention"]["allowed_rows"]
    block = torch.tensor([[begin <= i < end for i in range(length)]])
    ours = shadow_attention(block)[0].int()
    columns = [*range(length), *range(length + begin, length + end)]
    assert ours[begin, columns].tolist() == allowed["main"]
    assert ours[length + begin, columns].tolist() == allowed["shadow_0"]
    assert ours[length + begin + 1, columns].tolist() == allowed["shadow_1"]


def rounded_up_by_floats(case):
    """Whether the original's ⌈N/steps·(k + 1)⌉ is one more than the exact one."""
    total, steps, step = case["initial_masks"], case["steps"], case["step"]
    return math.ceil(total / steps * (step + 1)) != -(-total * (step + 1) // steps)


@of("prism", lambda case: not rounded_up_by_floats(case))
def test_prism(case, monkeypatch):
    """Differs: the ceiling is exact; each token draws for itself whether it counts towards the binomial number, where
    the original draws one number for the batch and counts given tokens as committed."""
    denoiser, proposal = Prescribed(case["logits"], quality=case["quality"]), Recorded(case["candidate"])
    if "binomial" in case:
        number, plan = case["binomial"]["count"], BinomialQuality(case["steps"], case["eta"])
    else:
        number, plan = case["num_remask"], {"steps": case["steps"], "count": case["num_remask"]}
    sampler = sampler_of("prism", denoiser, proposal=proposal, plan=plan)
    state = state_of(case, sampler)
    if "binomial" in case and not any(case["given"]):
        assert float(sampler.plan.remask_probability(state)) == pytest.approx(case["binomial"]["sigma"])
    use_uniforms(monkeypatch, order=case["order_uniforms"], remasking=counting(case, number))
    done = one_step(sampler, state)
    assert (written(done), remasked(done)) == (recorded(case), case["decision"]["remask"])
    assert bool(done.decision.settled) or not case["decision"]["stop"]


def counting(case, number):
    """[L] uniforms of which `number` at committed positions are below every positive probability."""
    committed = [i for i, is_open in enumerate(case["open"]) if not is_open and not case["given"][i]]
    return [0.0 if i in committed[:number] else 0.999999 for i in range(len(case["tokens"]))]


def drawn_probability(case):
    """[L], whose logarithm, times η at committed positions, is the recorded score."""
    weigh = [1.0 if is_open else case["eta"] for is_open in case["open"]]
    scores = zip(case["score"], weigh, strict=True)
    return [math.exp((score or 0.0) / weight) if weight else 1.0 for score, weight in scores]


@of("p2", lambda case: case["kappa"] == "linear")
def test_p2(case):
    """Differs: at a temperature ours scores the draw without the Gumbel noise, so that the recorded score is fed; the
    clock is linear."""
    plan = {"steps": case["steps"], "eta": case["eta"]}
    drawn = Recorded(case["candidate"], drawn_probability(case))
    proposal = Argmax() if case["temperature"] == 0 else drawn
    sampler = sampler_of("p2", Prescribed(case["logits"]), plan=plan, proposal=proposal)
    done = one_step(sampler, state_of(case, sampler))
    assert (written(done), remasked(done)) == (recorded(case), case["decision"]["remask"])
    assert bool(done.decision.settled) == case["decision"]["stop"]


@of("p2_planner")
def test_p2_planner(case):
    """Differs: the planner is the quality head; here its probability is that of the original's planner, a language
    model. A row ends once nothing is opened again, which no case shows: there m is 0 after the last step only."""
    planner = torch.tensor(case["planner_logits"], dtype=torch.float64).softmax(-1)
    quality = planner.gather(-1, torch.tensor(case["candidate"])[:, None])[:, 0].tolist()
    plan = {"steps": case["steps"], "eta": case["eta"]}
    drawn = Recorded(case["candidate"], drawn_probability(case))
    proposal = Argmax() if case["temperature"] == 0 else drawn
    sampler = sampler_of("p2_planner", Prescribed(case["logits"], drawn_quality=quality), plan=plan, proposal=proposal)
    done = one_step(sampler, state_of(case, sampler))
    assert (written(done), remasked(done)) == (recorded(case), case["decision"]["remask"])
    assert bool(done.decision.settled) == case["decision"]["stop"]


@of("remedi")
def test_remedi(case):
    """Differs: ranks by the head as in the paper (`decision_by_quality`); the released code ranks by raw logits."""
    quality = torch.tensor(case["quality"], dtype=torch.float64).sigmoid().tolist()
    sampler = sampler_of("remedi", Prescribed(case["logits"], unmasking=quality), plan={"steps": case["steps"]})
    done = one_step(sampler, state_of(case, sampler))
    expected = case["decision_by_quality"]
    assert written(done) == dict(zip(expected["write"], expected["token"], strict=True))
    assert remasked(done) == expected["remask"]
    assert bool(done.decision.settled) == case["decision"]["stop"]
