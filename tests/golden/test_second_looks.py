"""Token editing, token to mask and DiffusionGemma decide as the original implementations do; each test names its
differences on purpose."""

import pytest
import torch
from golden_steps import (
    Prescribed,
    of,
    one_step,
    recorded,
    remasked,
    replaced,
    sampler_of,
    state_of,
    use_uniforms,
    written,
)

from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.rules.adaptive import Quota
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.order import Confidence
from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.plans.token_to_mask import ConfidentReplacement, LowTokenProbability, ProbabilityDrop
from adaptive_diffusion.rules.processor import LinearTemperature
from adaptive_diffusion.rules.remasking import NoRemasking


def editing_of(case, plan):
    """LLaDA2's commits, one position a step at least or the quota of the steps, under a second look."""
    steps = case.get("steps") or len(case["tokens"])
    inner = Composed(Confidence(), Quota(case["threshold"], steps), NoRemasking())
    return sampler_of("token_editing", Prescribed(case["logits"]), plan=plan(inner))


@of("token_editing", lambda case: case.get("quota", 1) == 1 or not any(case["given"]))
def test_token_editing(case):
    """Differs: the preset makes at most 16 looks at a full block, as the authors do; diffusers' 17 are a setting, and
    its quota is a share of the block with its given tokens."""
    threshold = 1.0 if case["editing_threshold"] is None else case["editing_threshold"]
    extra = case["max_post_steps"] + (case["source"] == "diffusers")
    sampler = editing_of(case, lambda inner: TokenEditing(inner, threshold, extra))
    done = one_step(sampler, state_of(case, sampler, {"editing.extra": case["extra_before"]}))
    assert (written(done), replaced(done)) == (recorded(case), recorded(case, "replace"))
    assert bool(done.decision.settled) == case["decision"]["stop"]


def test_token_editing_preset_is_the_one_that_was_compared():
    sampler = sampler_of("token_editing", Prescribed([[0.0, 1.0]]))
    inner = Composed(Confidence(), Quota(0.95, 32), NoRemasking())
    assert sampler.plan == TokenEditing(inner, 0.9, 16)
    alone = sampler_of("llada2", Prescribed([[0.0, 1.0]]))
    assert Composed(alone.order, alone.pace, alone.remasking) == inner


@of("token_to_mask")
def test_token_to_mask(case):
    kinds = {"t2t_remask": ConfidentReplacement, "low_prob": LowTokenProbability, "logit_diff": ProbabilityDrop}
    settings = {"threshold": case["remask_threshold"], "each": case["max_remask_per_pos"]}
    settings |= {"share": case["max_remask_ratio"], "extra": case["max_post_steps"]}
    sampler = editing_of(case, lambda inner: kinds[case["strategy"]](inner, **settings))
    carry = {"editing.extra": case["extra_before"]}
    if case["strategy"] == "logit_diff" and case["previous_logits"] is not None:
        before = torch.tensor(case["previous_logits"]).softmax(-1)
        tokens = torch.tensor(case["tokens"]).clamp(max=before.shape[-1] - 1)
        carry["token_to_mask.probability"] = before.gather(-1, tokens[:, None])[:, 0].tolist()
    done = one_step(sampler, state_of(case, sampler, carry, revisions=case["remask_counts"]))
    assert (written(done), remasked(done)) == (recorded(case), case["decision"]["remask"])
    assert bool(done.decision.settled) == case["decision"]["stop"]


@of("stable_and_confident")
def test_stable_and_confident(case, monkeypatch):
    """Differs: none in the decisions; a row that reaches its step limit answers with the argmax, as in transformers."""
    predictions = [[-1] * len(case["tokens"])] * case["stability"]
    plan = {"gamma": case["entropy_bound"], "steps": case["max_steps"]}
    halting = {"stability": case["stability"], "threshold": case["threshold"]}
    for each in case["steps"]:
        vocabulary = len(each["logits"][0])
        random = [(token + 0.5) / vocabulary for token in each["random_tokens"]]
        use_uniforms(monkeypatch, drawn=each["uniforms"], renoise=random)
        denoiser = Prescribed(each["logits"], Uniform(vocabulary))
        temperature = LinearTemperature(case["max_steps"], case["t_max"], case["t_min"])
        sampler = sampler_of("diffusion_gemma", denoiser, plan=plan, halting=halting, processors=(temperature,))
        row = {**each, "open": [True] * len(each["tokens"])}
        done = one_step(sampler, state_of(row, sampler, {"stable.predictions": predictions}))
        assert done.prediction["drawn"][0].tolist() == each["drawn"]
        assert done.prediction["entropy"][0].tolist() == pytest.approx(each["entropy"], abs=1e-5)
        assert written(done) == recorded(each)
        assert bool(done.halt_decision.stop) == each["decision"]["stop"]
        stopped = each["decision"]["answer"] if each["decision"]["stop"] else each["decision"]["canvas_after"]
        assert done.after.tokens[0].tolist() == stopped
        predictions = done.after.carry["stable.predictions"][0].tolist()
