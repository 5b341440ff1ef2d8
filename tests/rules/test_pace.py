"""Paces: counts by hand, at, just below and just above every threshold, for rows that differ."""

import math
from dataclasses import replace

import pytest
import torch
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.rule import Revision, UnmaskingPace
from adaptive_diffusion.core.schedule import Cosine
from adaptive_diffusion.rules.adaptive import EntropyBound, Factor, Quota
from adaptive_diffusion.rules.pace import (
    Ancestral,
    CosineSteps,
    FirstHitting,
    FixedCount,
    FixedSteps,
    ProportionalSteps,
    Threshold,
)

MASK = 9


def counts(pace, state, score=None, remask=None, remask_probability=0.0, **summaries):
    score = torch.zeros(state.tokens.shape) if score is None else score
    none = Revision.none(state)
    revision = Revision(none.remask if remask is None else remask, none.remask_probability + remask_probability)
    made_prediction = prediction(tuple(state.tokens.shape), **summaries)
    return pace(state, made_prediction, score, revision, pace.next_level(state)).tolist()


def progress(pace, length, rows=1):
    """Open positions after each step when all that the pace asks for is committed."""
    state, left = sampler_state([[MASK] * length] * rows), []
    for step in range(getattr(pace, "steps", length)):
        state = replace(state, step=torch.full((rows,), step))
        state = replace(state, noise_level=pace.next_level(state))
        count = torch.tensor(counts(pace, state))
        rank = state.open.cumsum(1)
        state = replace(state, committed=state.committed | (state.open & (rank <= count[:, None])))
        left.append(state.open.sum(1).tolist()[0])
    return left


def test_equal_steps_give_the_remainder_to_the_early_ones():
    assert progress(FixedSteps(4), 10) == [7, 4, 2, 0]


def test_the_cosine_keeps_its_share_open_and_ends_at_nothing():
    n = 10
    assert progress(CosineSteps(4), n) == [*(math.floor(n * math.cos(math.pi * r / 8)) for r in (1, 2, 3)), 0]


def test_the_cosine_commits_at_least_one_where_rounding_gives_zero():
    assert progress(CosineSteps(8), 3) == [2, 1, 0, 0, 0, 0, 0, 0]


def test_the_cosines_clock_is_the_share_it_leaves_open():
    state = sampler_state([[MASK] * 4])
    torch.testing.assert_close(CosineSteps(2).next_level(state), torch.tensor([math.cos(math.pi / 4)]).double())


def test_proportional_steps_round_down_and_take_all_at_the_last():
    assert progress(ProportionalSteps(4), 10) == [8, 6, 4, 0]
    assert progress(ProportionalSteps(4), 4) == [4, 3, 2, 0]  # the clock ends at 1e-3, so 4/4 falls just short of 1
    assert progress(ProportionalSteps(4, end=0.5), 9) == [8, 7, 6, 0]  # ⌊9/8⌋, ⌊8/7⌋, ⌊7/6⌋, all


def test_levels_of_proportional_steps_are_equally_spaced_and_end_at_nothing():
    state = sampler_state([[MASK]] * 4, step=torch.arange(4))
    assert ProportionalSteps(4, end=0.2).next_level(state).tolist() == pytest.approx([0.8, 0.6, 0.4, 0.0])


@pytest.mark.parametrize("end", [0.0, 1.0, -0.1])
def test_a_clock_that_does_not_end_between_its_bounds_is_refused(end):
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        ProportionalSteps(4, end=end)


@pytest.mark.parametrize("pace", [FixedSteps(6), ProportionalSteps(6), CosineSteps(6), FixedCount(1), FirstHitting()])
def test_as_many_steps_as_positions_leave_nothing_open(pace):
    assert progress(pace, 6)[-1] == 0


def test_the_threshold_takes_equality_and_at_least_the_best():
    state = sampler_state([[MASK] * 3] * 3)
    score = torch.tensor([[0.9, 0.91, 0.89], [0.1, 0.2, 0.3], [0.95, 0.95, 0.95]], dtype=torch.float64)
    assert counts(Threshold(0.9), state, score) == [2, 1, 3]


@pytest.mark.parametrize(("second", "count"), [(0.7501, 2), (0.75, 2), (0.6666, 1), (0.667, 2)])
def test_the_factor_bounds_the_lowest_of_those_committed(second, count):
    state = sampler_state([[MASK] * 3])  # n = 2 needs 3·(1 − c₍₂₎) < 1, that is c₍₂₎ > 2/3; n = 3 needs c₍₃₎ > 3/4
    assert counts(Factor(1.0), state, torch.tensor([[second, 0.9, 0.1]], dtype=torch.float64)) == [count]


def test_the_factor_is_strict_and_commits_at_least_one():
    state = sampler_state([[MASK] * 2] * 3)
    score = torch.tensor([[0.5, 0.5], [0.75, 0.75], [0.8125, 0.8125]], dtype=torch.float64)
    assert counts(Factor(0.75), state, score) == [1, 1, 2]  # 3·(1 − .75) = .75 is not below .75


@pytest.mark.parametrize(
    ("entropies", "gamma", "count"),
    [
        ([0.125, 0.25, 0.5], 0.125, 2),  # ΣH − max H: 0, .125 (equality counts), .375
        ([0.125, 0.25, 0.5], 0.1249, 1),
        ([0.125, 0.25, 0.5], 0.375, 3),
        ([0.125, 0.25, 0.5], 0.3749, 2),
        ([0.5, 0.5, 0.5], 0.0, 1),
        ([0.0, 0.0, 0.5], 0.0, 3),
    ],
)
def test_the_entropy_bound_is_reached_but_not_passed(entropies, gamma, count):
    state, entropy = sampler_state([[MASK] * 3]), torch.tensor([entropies], dtype=torch.float64)
    assert counts(EntropyBound(gamma), state, -entropy, entropy=entropy) == [count]


def test_the_entropy_bound_holds_for_any_order():
    state, entropy = sampler_state([[MASK] * 3]), torch.tensor([[0.5, 0.125, 0.25]], dtype=torch.float64)
    score = torch.tensor([[3.0, 2.0, 1.0]])  # prefixes in this order: 0, .625 − .5, .875 − .5
    assert counts(EntropyBound(0.125), state, score, entropy=entropy) == [2]


def test_committed_positions_do_not_enter_a_bound():
    state = sampler_state([[MASK, 0, MASK]], committed=[[0, 1, 0]])
    entropy = torch.tensor([[0.3, 0.0, 0.2]], dtype=torch.float64)
    assert counts(EntropyBound(0.2), state, -entropy, entropy=entropy) == [2]
    assert counts(Factor(1.0), state, torch.tensor([[0.1, 1.0, 0.2]])) == [1]


def test_the_quota_is_made_up_to_and_the_threshold_is_strict():
    state = sampler_state([[MASK] * 5] * 2)
    score = torch.tensor([[0.95, 0.96, 0.1, 0.1, 0.1], [0.99, 0.99, 0.99, 0.1, 0.1]])
    assert counts(Quota(0.95, steps=2), state, score) == [3, 3]  # ⌈5/2⌉ at the first step
    later = replace(state, step=torch.tensor([1, 1]))
    assert counts(Quota(0.95, steps=2), later, score) == [2, 3]


def test_the_ancestral_count_follows_the_posterior_probability():
    rows = 4000
    state = replace(
        sampler_state([[MASK] * 5] * rows), step=torch.full((rows,), 1), noise_level=torch.full((rows,), 0.75)
    )
    mean = torch.tensor(counts(Ancestral(4), state), dtype=torch.float64).mean() / 5
    # (α_s − α_t)/(1 − α_t) = (.5 − .25)/.75, within five standard errors
    assert abs(float(mean) - 1 / 3) < 5 * math.sqrt(2 / 9 / rows / 5)


def test_what_remasking_takes_out_the_ancestral_pace_puts_back():
    rows = 4000
    state = replace(
        sampler_state([[MASK] * 5] * rows), step=torch.full((rows,), 1), noise_level=torch.full((rows,), 0.75)
    )
    mean = torch.tensor(counts(Ancestral(4), state, remask_probability=0.4), dtype=torch.float64).mean() / 5
    expected = (0.5 - 0.6 * 0.25) / 0.75
    assert abs(float(mean) - expected) < 5 * math.sqrt(0.25 / rows / 5)


@pytest.mark.parametrize("pace", [FixedSteps(3), CosineSteps(3)])
def test_positions_that_are_remasked_are_made_up_for(pace):
    state = replace(
        sampler_state([[0, MASK, MASK, MASK, MASK, MASK]], committed=[[1, 0, 0, 0, 0, 0]]), step=torch.tensor([1])
    )
    remask = torch.tensor([[True, False, False, False, False, False]])
    assert counts(pace, state, remask=remask)[0] == counts(pace, state)[0] + 1


def test_first_hitting_times_are_order_statistics():
    rows, pace = 4000, FirstHitting()
    state = sampler_state([[MASK] * 3] * rows)
    state = replace(state, noise_level=pace.first_level(state))
    means = [float(state.noise_level.mean())]
    for step in range(3):
        state = replace(state, step=torch.full((rows,), step))
        state = replace(state, noise_level=pace.next_level(state))
        committed = torch.zeros(rows, 3).bool()
        committed[:, : step + 1] = True
        state = replace(state, committed=committed)
        means.append(float(state.noise_level.mean()))
    # The largest, second and third of three uniforms have the means 3/4, 1/2, 1/4; then nothing is left to hit.
    for mean, expected in zip(means, (0.75, 0.5, 0.25, 0.0), strict=True):
        assert abs(mean - expected) < 5 * 0.25 / math.sqrt(rows)


def test_first_hitting_follows_the_schedule_of_the_corruption():
    state = sampler_state([[MASK] * 3])
    curved = replace(state, corruption=replace(state.corruption, schedule=Cosine()))
    masked = 1 - Cosine().alpha(FirstHitting().first_level(curved))
    torch.testing.assert_close(masked, FirstHitting().first_level(state))


@pytest.mark.parametrize(
    "broken", [lambda: FixedSteps(0), lambda: FixedCount(0), lambda: Quota(steps=0), lambda: Threshold(at_least=0)]
)
def test_a_pace_that_never_ends_is_refused(broken):
    with pytest.raises(ValueError, match="at least 1"):
        broken()


def test_pace_of_the_user_is_one_method():
    class Half(UnmaskingPace):
        def __call__(self, state, prediction, score, revision, next_level):
            return (state.open.sum(1) + 1) // 2

    assert progress(Half(), 8)[:4] == [4, 2, 1, 0]
    assert Half().next_level(sampler_state([[MASK] * 4])).tolist() == [1.0]
