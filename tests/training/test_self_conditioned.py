"""Training with self-conditioning: what sequences carry reaches the denoiser, and the denoiser learns to use it."""

from functools import partial

import pytest
import torch
from small_worlds import random_queries, transformer

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.self_conditioning import SelfConditioning
from adaptive_diffusion.objectives.denoising import Denoising
from adaptive_diffusion.rules.pace import RandomThreshold
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.training.denoiser_module import DenoiserModule
from adaptive_diffusion.training.forward_process import ForwardProcess
from adaptive_diffusion.training.self_conditioned import SelfConditioned
from adaptive_diffusion.training.training_states import OnPolicyRollouts, RandomMasking

ROWS, LENGTH, K = 32, 9, 5
NAME = SelfConditioning.name


def model(**options):
    described = DenoiserWithHeads(transformer(self_conditioning=True, **options))
    torch.nn.init.normal_(described.denoiser.recall.weight, generator=torch.Generator().manual_seed(0))
    return described


def fresh(first=0):
    queries = random_queries(ROWS, LENGTH, K, seed=first, first_id=first)
    return Batch(queries, queries.tokens)


def batch(first=0):
    queries = random_queries(ROWS, LENGTH, K, seed=first)
    return Batch(queries, queries.tokens)


def module(described, *training_states):
    return DenoiserModule(described, training_states, [Denoising()], trainable=["denoiser"])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_of_the_sequences_carries_the_prediction_made_for_it(share):
    described = model()
    state, _ = SelfConditioned(RandomMasking(ROWS), share).begin(described, fresh(), seed=0)
    plain, _ = RandomMasking(ROWS).begin(described, fresh(), seed=0)
    assert torch.equal(state.tokens, plain.tokens)
    with torch.no_grad():
        logits = described.logits(described.evaluate(plain).hidden)
        expected = (logits.softmax(-1) @ described.denoiser.tokens.weight[:K]) * plain.editable[..., None]
    carries = state.carry[NAME].flatten(1).any(1)
    told_of = carries[plain.editable.any(1)].float().mean()
    assert told_of == share or 0.2 < told_of < 0.8
    torch.testing.assert_close(state.carry[NAME], expected * carries[:, None, None], atol=1e-5, rtol=1e-5)


def test_the_module_hands_the_carry_to_the_denoiser():
    described = model()
    inputs = module(described, SelfConditioned(RandomMasking(ROWS)))._loss_inputs(batch())[0]
    state = inputs.state
    expected = described.denoiser.hidden(state.tokens, state.status, state.noise_level, expected=state.carry[NAME])
    torch.testing.assert_close(inputs.hidden, expected)
    without = described.denoiser.hidden(state.tokens, state.status, state.noise_level)
    carries = state.carry[NAME].flatten(1).any(1)
    assert not torch.isclose(inputs.hidden[carries], without[carries]).all()
    torch.testing.assert_close(inputs.hidden[~carries], without[~carries])
    Denoising()(inputs)["denoising"].backward()
    assert described.denoiser.recall.weight.grad.any()


def test_live_slots_carry_what_their_last_step_predicted():
    described = model()
    slots = OnPolicyRollouts(ROWS, partial(Sampler, pace=RandomThreshold()))
    taught = module(described, slots)
    first = taught._loss_inputs(batch())[0]
    assert not first.state.carry[NAME].any()
    second = taught._loss_inputs(batch(1))[0]
    goes_on = second.state.step > 0
    assert goes_on.any()
    logits = described.logits(first.hidden)
    expected = (logits.softmax(-1) @ described.denoiser.tokens.weight[:K]) * first.state.editable[..., None]
    torch.testing.assert_close(second.state.carry[NAME][goes_on], expected[goes_on], atol=1e-5, rtol=1e-5)
    assert not second.state.carry[NAME][~goes_on].any()


def test_a_few_steps_of_training_use_it_under_uniform_noise_too():
    described = model(corruption=Uniform(K))
    taught = module(described, SelfConditioned(ForwardProcess(ROWS)))
    before = described.denoiser.recall.weight.detach().clone()
    optimizer = torch.optim.Adam(described.parameters(), 3e-3)
    clean = torch.arange(LENGTH).remainder(K).expand(ROWS, LENGTH)
    losses = []
    for _ in range(30):
        inputs = taught._loss_inputs(Batch(Queries.of(clean, torch.ones_like(clean).bool()), clean))
        loss = Denoising()(inputs[0])["denoising"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3
    assert not torch.equal(described.denoiser.recall.weight, before)
    answers = Sampler(described).sample(Queries.of(clean, torch.ones_like(clean))).answers
    assert (answers == clean).float().mean() > 0.9


def test_a_denoiser_without_it_is_refused():
    with pytest.raises(ValueError, match="self_conditioning: true"):
        SelfConditioned(RandomMasking(ROWS)).begin(DenoiserWithHeads(transformer()), fresh(), seed=0)
    with pytest.raises(ValueError, match="share=1.5 is not a probability"):
        SelfConditioned(RandomMasking(ROWS), 1.5)
