"""Objectives by hand on tiny inputs."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.loss_inputs import LossInputs, StepOutcome
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.heads import SELF_GENERATED, DenoiserWithHeads, HaltingHead, QualityHead
from adaptive_diffusion.models.positions import LearnedPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.objectives.denoising import Denoising
from adaptive_diffusion.objectives.head_loss import HeadLoss
from adaptive_diffusion.rules.halting import RunToCompletion
from adaptive_diffusion.rules.pace import Threshold
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.step import advance
from adaptive_diffusion.training.training_states import RandomMasking


@pytest.fixture
def inputs() -> LossInputs:
    torch.manual_seed(0)
    trunk = TransformerDenoiser(4, LearnedPositions.grid(4, 4, 2, 2), width=32, depth=1, heads=2)
    model = DenoiserWithHeads(trunk, {"quality": QualityHead(32), "halting": HaltingHead(32)})
    clean = torch.randint(0, 4, (8, 16))
    fresh = Batch(Queries.of(clean, torch.rand(8, 16) < 0.7), clean)
    state, _ = RandomMasking(8, wrong=0.8, given=0.0).begin(model, fresh, 0)
    return LossInputs(model, state, clean, trunk.hidden(state.tokens, state.status, state.noise_level))


def test_denoising_is_the_mean_cross_entropy_at_open_positions(inputs: LossInputs) -> None:
    logits = inputs.model.logits(inputs.hidden)
    every = F.cross_entropy(logits.flatten(0, 1), inputs.clean.flatten(), reduction="none").view(8, 16)
    for committed, where in ((0.0, inputs.state.open), (1.0, inputs.state.editable)):
        loss = Denoising(committed=committed)(inputs)["denoising"]
        assert torch.allclose(loss, every[where].mean(), atol=1e-6)


def test_gathering_before_the_head_keeps_the_gradient(inputs: LossInputs) -> None:
    weights = inputs.model.denoiser.blocks[0].query_key_value.weight
    (ours,) = torch.autograd.grad(Denoising(committed=0.0)(inputs)["denoising"], weights, retain_graph=True)
    full = F.cross_entropy(inputs.model.logits(inputs.hidden)[inputs.state.open], inputs.clean[inputs.state.open])
    (theirs,) = torch.autograd.grad(full, weights)
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_loss_of_an_untrained_quality_head_follows_from_its_bias(inputs: LossInputs) -> None:
    right = (inputs.state.tokens == inputs.clean)[inputs.state.committed].float().mean().item()
    expected = right * math.log(1 + math.exp(-3)) + (1 - right) * math.log(1 + math.exp(3))
    assert HeadLoss("quality", detach=False)(inputs)["quality"].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("detach", [True, False])
def test_detaching_keeps_the_heads_gradient_out_of_the_trunk(inputs: LossInputs, detach: bool) -> None:
    torch.nn.init.normal_(inputs.model.head("quality").out.weight)
    HeadLoss("quality", detach=detach)(inputs)["quality"].backward()
    reached = inputs.model.denoiser.blocks[0].feed_in.weight.grad is not None
    assert reached == (not detach)


def test_the_halting_loss_is_the_cross_entropy_with_the_score_of_the_answer(inputs: LossInputs) -> None:
    sampler = Sampler(inputs.model, pace=Threshold(0.5), halting=RunToCompletion())
    step = advance(sampler, inputs.state, inputs.model.with_summaries(Evaluation(inputs.hidden.detach())), 99)
    for score, logit in ((1.0, 5.0), (0.0, -5.0)):
        scores = torch.full((8,), score)
        outcome = StepOutcome(
            step.prediction, step.decision, step.answer, scores, lambda answers, scores=scores: scores
        )
        inputs.model.heads["halting"] = HaltingHead(32)
        loss = HeadLoss("halting")(replace(inputs, outcome=outcome))["halting"].item()
        assert loss == pytest.approx(math.log(1 + math.exp(logit)), rel=1e-5)


def test_the_quality_loss_looks_at_the_tokens_that_the_model_drew_where_they_are_marked(inputs: LossInputs) -> None:
    drawn = torch.zeros_like(inputs.state.committed)
    first = inputs.state.committed.nonzero()[0]
    drawn[tuple(first)] = True
    marked = replace(inputs, state=replace(inputs.state, carry={SELF_GENERATED: drawn}))
    right = float(inputs.state.tokens[tuple(first)] == inputs.clean[tuple(first)])
    assert HeadLoss("quality")(marked)["quality"].item() == pytest.approx(
        math.log(1 + math.exp(-3 if right else 3)), rel=1e-5
    )


def test_states_without_a_sampler_give_no_halting_loss(inputs: LossInputs) -> None:
    assert HeadLoss("halting")(inputs) == {}


def test_a_missing_head_is_named(inputs: LossInputs) -> None:
    inputs.model.heads.clear()
    with pytest.raises(ValueError, match="no head 'quality'"):
        HeadLoss("quality")(inputs)
    with pytest.raises(ValueError, match="no head 'halting'"):
        HeadLoss("halting")(inputs)
