"""Entropy-bound acceptance and stable-and-confident stopping beside transformers' DiffusionGemma, on equal logits."""

from dataclasses import replace

import pytest
import torch
from small_worlds import decision, sampler_state

from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.rules.halting import StableAndConfident
from adaptive_diffusion.rules.plans.acceptance import EntropyBoundAcceptance
from adaptive_diffusion.rules.processor import LinearTemperature
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.sampling.predict import read

pytestmark = pytest.mark.peers
theirs = pytest.importorskip(
    "transformers.models.diffusion_gemma.generation_diffusion_gemma", reason="needs the extra peers"
)

ROWS, LENGTH, VOCABULARY = 16, 24, 7


class Given:
    """A denoiser with fixed logits."""

    corruption, vocabulary = Uniform(VOCABULARY), VOCABULARY
    width, memory, time_invariant, computes_all_blocks = VOCABULARY, None, False, True

    def __init__(self, logits):
        self.output = logits

    def evaluate(self, state):
        return Evaluation(self.output)

    def logits(self, hidden):
        return hidden


def logits(seed, sharpness):
    generator = torch.Generator().manual_seed(seed)
    each = 10 ** torch.empty(ROWS, LENGTH, 1).uniform_(-0.5, 1, generator=generator)
    return torch.randn(ROWS, LENGTH, VOCABULARY, generator=generator) * each * sharpness


def blank(step=0):
    number = torch.full((ROWS,), step)
    return replace(sampler_state([[0] * LENGTH] * ROWS, corruption=Uniform(VOCABULARY)), step=number)


def seen(output, state, sampler):
    everywhere = torch.ones(ROWS, LENGTH, dtype=torch.bool)
    return read(sampler.denoiser, Evaluation(output), state, sampler.logit_statistics, everywhere, sampler.processors)


@pytest.mark.parametrize("bound", [0.01, 0.1, 1.0, 5.0])
@pytest.mark.parametrize("seed", range(5))
def test_the_same_positions_are_accepted(seed, bound):
    output = logits(seed, 1.0)
    sampler = Sampler(Given(output), proposal=Draw(), plan=EntropyBoundAcceptance(bound))
    state = blank()
    prediction = seen(output, state, sampler)
    ours = sampler.plan(state, prediction, sampler.proposal(state, prediction)).write
    peer = theirs.EntropyBoundSampler(theirs.EntropyBoundSamplerConfig(bound), LENGTH, VOCABULARY, 48)
    peer.accept_canvas(state.tokens, state.tokens, output, 48)
    assert torch.equal(ours, peer.accepted_token_mask)
    assert 0 < ours.sum() < ours.numel()


@pytest.mark.parametrize("stability", [0, 1, 2])
@pytest.mark.parametrize("threshold", [0.005, 0.3])
def test_the_same_rows_stop_at_the_same_steps(stability, threshold):
    rule = StableAndConfident(stability, threshold)
    peer = theirs.StableAndConfidentStoppingCriteria(stability, threshold)
    output = logits(0, 3.0)
    state = blank()
    state = replace(state, carry=rule.init_carry(state, VOCABULARY))
    stops = []
    for step in range(8):
        if step % 3 == 0:
            output = output.clone()
            output[:: step + 2] = logits(step, 3.0)[:: step + 2]
        output = output * 1.5
        sampler = Sampler(Given(output), plan=EntropyBoundAcceptance(), halting=rule)
        prediction = seen(output, state, sampler)
        ours = rule(state, prediction, decision(state)).stop
        assert torch.equal(ours, peer(output.argmax(-1), output))
        stops.append(ours)
        state = replace(state, carry=rule.update_carry(state, prediction, decision(state)))
    assert torch.stack(stops).any()
    assert not torch.stack(stops).all()


@pytest.mark.parametrize("step", [0, 1, 24, 47])
def test_the_temperature_of_each_step_is_the_same(step):
    output = logits(step, 1.0)
    peer = theirs.LinearTemperatureScheduleLogitsProcessor(0.4, 0.8, 48)
    rows = torch.arange(ROWS).repeat_interleave(LENGTH)
    ours = LinearTemperature(48, 0.8, 0.4)(output.flatten(0, 1), blank(step), rows, torch.zeros_like(rows))
    torch.testing.assert_close(
        ours.view_as(output), peer(None, output, 48 - step)
    )  # theirs counts the steps that are left
