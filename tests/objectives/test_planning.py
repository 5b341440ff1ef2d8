"""What the planner of DDPD learns: what is noise."""

import math

import pytest
from small_worlds import random_queries, transformer

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.core.loss_inputs import LossInputs
from adaptive_diffusion.models.heads import DenoiserWithHeads, QualityHead
from adaptive_diffusion.objectives.planning import NoiseDetection
from adaptive_diffusion.training.forward_process import ForwardProcess
from adaptive_diffusion.training.training_states import RandomMasking

K = 5


def inputs(source, model):
    queries = random_queries(source.rows, 9, K)
    state, batch = source.begin(model, Batch(queries, queries.tokens), 0)
    clean = batch.clean
    return LossInputs(model, state, clean, model.evaluate(state).hidden)


def model(quality=True):
    return DenoiserWithHeads(
        transformer(corruption=Uniform(K)), {"quality": QualityHead(32, init_bias=3.0)} if quality else {}
    )


def test_the_loss_of_an_untrained_head_follows_from_its_bias():
    described = inputs(ForwardProcess(400), model())
    where, noised = described.state.editable, described.state.carry["noised"]
    assert not (noised & ~where).any()
    share = noised[where].float().mean().item()
    expected = share * math.log(1 + math.exp(3)) + (1 - share) * math.log(1 + math.exp(-3))
    assert NoiseDetection()(described)["noise_detection"].item() == pytest.approx(expected, rel=1e-5)
    lucky = (noised & (described.state.tokens == described.clean))[where].float().mean().item()
    assert lucky == pytest.approx(share / K, rel=0.3)  # noise that happens to be right still counts as noise


def test_the_message_names_what_is_missing():
    with pytest.raises(ValueError, match="no head 'quality'"):
        NoiseDetection()(inputs(ForwardProcess(4), model(quality=False)))
    masked = DenoiserWithHeads(transformer(), {"quality": QualityHead(32)})
    with pytest.raises(ValueError, match="mark noise"):
        NoiseDetection()(inputs(RandomMasking(4), masked))
