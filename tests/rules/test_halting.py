"""Halting: stops at, just below and just above every threshold, row by row."""

from dataclasses import replace

import pytest
import torch
from small_worlds import decision, oracle, prediction, random_queries, sampler_state

from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.rules.controls import HindsightOracle, RandomHalting
from adaptive_diffusion.rules.halting import AllCommitted, MaxSteps, Prophet, Sched, StableAndConfident
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling import Sampler

MASKS = [[9, 9], [9, 9]]


def stops(rule, state, **summaries):
    head_output = prediction(tuple(state.tokens.shape), **summaries)
    return rule(state, head_output, decision(state)).stop.tolist()


def history(rule, predictions, entropy=0.0):
    """When a rule stops on argmax sequences [step][position] of one row."""
    state, head_output = sampler_state([[9] * len(predictions[0])]), []
    state = replace(state, carry=rule.init_carry(state, 10))
    for tokens in predictions:
        argmax = torch.tensor([tokens])
        look = prediction((1, len(tokens)), argmax=argmax, entropy=torch.full(argmax.shape, entropy))
        head_output.append(bool(rule(state, look, decision(state)).stop))
        state = replace(state, carry={**state.carry, **rule.update_carry(state, look, decision(state))})
    return head_output


@pytest.mark.parametrize(
    ("stability", "expected"),
    [
        (0, [True] * 6),
        (1, [False, False, True, True, False, True]),
        (2, [False, False, False, True, False, False]),
        (3, [False] * 6),
    ],
)
def test_stability_counts_the_steps_without_change(stability, expected):
    assert history(StableAndConfident(stability), [[1, 2], [1, 3], [1, 3], [1, 3], [0, 3], [0, 3]]) == expected


@pytest.mark.parametrize(("entropies", "stop"), [([0.25, 0.75], False), ([0.25, 0.7499], True), ([0.0, 1.1], False)])
def test_the_mean_entropy_must_be_strictly_below_the_threshold(entropies, stop):
    rule, state = StableAndConfident(0, 0.5), sampler_state([[9, 9]])
    state = replace(state, carry=rule.init_carry(state, 10))
    assert stops(rule, state, argmax=torch.zeros(1, 2).long(), entropy=torch.tensor([entropies])) == [stop]


def test_given_positions_count_neither_for_stability_nor_for_confidence():
    rule, state = StableAndConfident(1, 0.5), sampler_state([[9, 3]], editable=[[1, 0]])
    state = replace(state, carry={"stable.predictions": torch.tensor([[[7, 0]]])})
    assert stops(rule, state, argmax=torch.tensor([[7, 1]]), entropy=torch.tensor([[0.1, 9.0]])) == [True]


@pytest.mark.parametrize(("step", "threshold"), [(0, 7.5), (2, 7.5), (3, 5.0), (5, 5.0), (6, 2.5), (8, 2.5), (30, 2.5)])
def test_prophet_asks_for_less_in_each_third(step, threshold):
    state = replace(sampler_state(MASKS), step=torch.full((2,), step))
    gaps = torch.tensor([[threshold - 1.0, threshold + 1.0], [threshold - 1.0, threshold + 0.99]])
    assert stops(Prophet(9), state, logit_gap=gaps) == [True, False]


def test_the_smooth_threshold_falls_from_high_towards_low():
    rule, steps = Sched(10, high=8.0, low=1.0, rate=2.0), torch.arange(12)
    threshold = rule.threshold(steps)
    assert float(threshold[0]) == 8.0
    assert (threshold.diff() < 0).all()
    assert float(threshold[10]) == pytest.approx(1 + 7 * 0.1353352832)


@pytest.mark.parametrize("step", [0, 5, 10])
def test_the_smooth_threshold_stops_a_mean_gap_that_equals_it_and_none_just_below(step):
    rule = Sched(10, high=8.0, low=1.0, rate=2.0)
    threshold = float(rule.threshold(torch.tensor(step)))
    state = replace(sampler_state([[9, 9]] * 3), step=torch.full((3,), step))
    around = [[0, 0], [-1, 0.999], [-1, 1.001]]
    gaps = threshold + torch.tensor(around, dtype=torch.float64)
    assert stops(rule, state, logit_gap=gaps) == [True, False, True]


def test_a_random_halt_takes_the_steps_of_its_histogram():
    rows = 8000
    state = sampler_state([[9]] * rows)
    rule = RandomHalting((0.5, 0.0, 0.25, 0.25))
    stopped = [stops(rule, replace(state, step=torch.full((rows,), step))) for step in range(4)]
    shares = torch.tensor(stopped).double().mean(1)
    assert (shares - torch.tensor([0.5, 0.5, 0.75, 1.0])).abs().max() < 5 * 0.5 / rows**0.5
    assert stopped[0] == stopped[1]


def test_the_hindsight_oracle_stops_at_the_first_right_answer_and_never_at_a_wrong_one():
    world, queries = oracle(), random_queries(40, 4, 3)
    plain = Sampler(world, proposal=Draw()).sample(queries)
    right = HindsightOracle(lambda ids, answers: (answers == plain.answers[ids]).all(1))
    early = Sampler(world, proposal=Draw(), halting=right).sample(queries)
    halted = early.halt_reason == HaltReason.RULE
    assert halted.any()
    assert torch.equal(early.answers[halted], plain.answers[halted])
    assert (early.nfe <= plain.nfe).all()


def test_plain_and_fixed_halting():
    state = replace(sampler_state(MASKS), step=torch.tensor([2, 3]))
    assert stops(AllCommitted(), state) == [False, False]
    assert stops(MaxSteps(4), state) == [False, True]


@pytest.mark.parametrize(
    "broken", [lambda: MaxSteps(0), lambda: StableAndConfident(-1), lambda: Prophet(0), lambda: RandomHalting((0.0,))]
)
def test_halting_that_means_nothing_is_refused(broken):
    with pytest.raises(ValueError, match=r"at least 1|negative|weights"):
        broken()
