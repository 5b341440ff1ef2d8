"""Logit processors at their boundaries, and that they come before anything is read."""

import math
from dataclasses import replace

import pytest
import torch
from small_worlds import sampler_state, table

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.oracle import LeaveOneOutOracle, OracleDenoiser
from adaptive_diffusion.rules.processor import LeaveOneOut, LinearTemperature, Suppress, Temperature, TopK, TopP
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling import Sampler

ORIGIN = torch.zeros(1, dtype=torch.int64)


def processed(processor, probabilities, state=None):
    """The probabilities after a processor, from a list of probabilities."""
    logits = torch.tensor([probabilities], dtype=torch.float64).log()
    before = logits.clone()
    after = processor(logits, sampler_state([[0]]) if state is None else state, ORIGIN, ORIGIN)
    assert torch.equal(logits, before)
    return after.softmax(-1)[0]


def close(actual, expected):
    torch.testing.assert_close(actual, torch.tensor(expected, dtype=torch.float64))


def test_temperature_sharpens_everything():
    close(processed(Temperature(0.5), [0.8, 0.2]), [16 / 17, 1 / 17])


@pytest.mark.parametrize(("step", "temperature"), [(0, 0.8), (24, 0.6), (47, 0.4 + 0.4 / 48), (48, 0.4), (60, 0.4)])
def test_the_linear_temperature_of_each_step(step, temperature):
    state = replace(sampler_state([[0]]), step=torch.tensor([step]))
    weights = torch.tensor([0.8, 0.2], dtype=torch.float64) ** (1 / temperature)
    torch.testing.assert_close(processed(LinearTemperature(48), [0.8, 0.2], state), weights / weights.sum())


def test_rows_at_different_steps_have_different_temperatures():
    state = replace(sampler_state([[0], [0]]), step=torch.tensor([0, 1]))
    logits = torch.ones(2, 1)
    assert LinearTemperature(2, 1.0, 0.5)(logits, state, torch.tensor([1, 0]), torch.zeros(2).long()).tolist() == [
        [pytest.approx(1 / 0.75)],
        [1.0],
    ]


def test_top_k_keeps_k_tokens():
    close(processed(TopK(2), [0.5, 0.3, 0.2]), [0.625, 0.375, 0.0])
    close(processed(TopK(7), [0.5, 0.3, 0.2]), [0.5, 0.3, 0.2])


@pytest.mark.parametrize(
    ("p", "kept"),
    [(0.5, 1), (0.5001, 2), (0.75, 2), (0.7501, 3), (1.0, 4), (0.01, 1)],
)
def test_the_nucleus_keeps_the_token_that_crosses(p, kept):
    assert int((processed(TopP(p), [0.125, 0.5, 0.25, 0.125]) > 0).sum()) == kept


def test_suppressed_tokens_give_their_mass_to_the_others():
    close(processed(Suppress((1,)), [0.5, 0.3, 0.2]), [5 / 7, 0.0, 2 / 7])


def test_a_suppressed_token_is_never_answered():
    oracle = OracleDenoiser.of_table(table(3, 4), Absorbing(3))
    queries = Queries.of(torch.zeros(50, 4), torch.ones(50, 4))
    answers = Sampler(oracle, proposal=Draw(), processors=(Suppress([0, 2]),)).sample(queries).answers
    assert torch.equal(answers, torch.ones(50, 4, dtype=torch.int64))


@pytest.mark.parametrize("t", [0.25, 0.9, 1.0])
def test_leaving_out_a_tokens_own_evidence_gives_the_leave_one_out_oracle(t):
    prior, corruption, tokens = table(3, 4), Uniform(3), [2, 1, 1, 0]
    level = torch.tensor([t], dtype=torch.float64)
    state = sampler_state([tokens], editable=[[1, 1, 0, 1]], corruption=corruption, noise_level=level)
    rows, positions = torch.zeros(3, dtype=torch.int64), torch.tensor([0, 1, 3])
    ordinary = OracleDenoiser.of_table(prior, corruption).evaluate(state).hidden[0, positions]
    expected = LeaveOneOutOracle.of_table(prior, corruption).evaluate(state).hidden[0, positions]
    actual = LeaveOneOut()(ordinary, state, rows, positions).log_softmax(-1)
    torch.testing.assert_close(actual, expected)


def test_a_token_that_is_no_noise_does_not_change_what_evidence_weighs():
    state = sampler_state([[1]], corruption=Uniform(2), noise_level=torch.tensor([0.5]).double())
    logits = torch.tensor([[math.log(0.9), math.log(0.1), -math.inf]])
    expected = LeaveOneOut()(logits[:, :2], state, ORIGIN, ORIGIN)
    assert torch.equal(LeaveOneOut()(logits, state, ORIGIN, ORIGIN)[:, :2], expected)


def test_given_and_certain_tokens_keep_their_own_evidence():
    logits = torch.tensor([[math.log(0.9), math.log(0.1)]])
    for state in (
        sampler_state([[0]], editable=[[0]], corruption=Uniform(2), noise_level=torch.tensor([0.5]).double()),
        sampler_state([[0]], corruption=Uniform(2), noise_level=torch.tensor([0.0]).double()),
    ):
        assert torch.equal(LeaveOneOut()(logits, state, ORIGIN, ORIGIN), logits)


@pytest.mark.parametrize(
    "broken",
    [
        lambda: Temperature(0),
        lambda: LinearTemperature(0),
        lambda: LinearTemperature(4, 0.5, 0.0),
        lambda: TopK(0),
        lambda: TopP(0.0),
        lambda: TopP(1.1),
        lambda: Suppress(()),
    ],
)
def test_what_would_leave_nothing_is_refused(broken):
    with pytest.raises(ValueError, match=r"positive|at least 1|must lie|suppresses nothing"):
        broken()


def test_a_suppressed_token_outside_the_vocabulary_is_named():
    with pytest.raises(ValueError, match="outside the vocabulary 0…1"):
        processed(Suppress((2,)), [0.5, 0.5])
