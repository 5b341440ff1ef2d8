"""Remasking: rates by hand, thresholds at equality."""

from dataclasses import replace

import pytest
import torch
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.schedule import Cosine
from adaptive_diffusion.rules.remasking import (
    BeginAnew,
    BeginAnewIfDoubted,
    LeastConfidentSpan,
    LowProbability,
    LowQuality,
)
from adaptive_diffusion.rules.remdm import (
    AncestralLoop,
    ByConfidence,
    Cap,
    Rescale,
    WhileHeld,
    largest_remask_probability,
)


def level(*values):
    return torch.tensor(values, dtype=torch.float64)


def standing(rows=1, length=4):
    return sampler_state([[0] * length] * rows, committed=[[1] * length] * rows)


@pytest.mark.parametrize(
    ("now", "after", "largest"),
    [(1.0, 0.9, 1.0), (0.75, 0.5, 1.0), (0.5, 0.25, 0.5), (0.25, 0.0, 0.0), (0.2, 0.2, 0.25)],
)
def test_the_largest_rate_that_keeps_the_marginals(now, after, largest):
    state = replace(standing(), noise_level=level(now))
    assert float(largest_remask_probability(state, level(after))) == pytest.approx(largest)
    assert float(Cap(0.3).remask_probability(state, level(after))) == pytest.approx(min(0.3, largest))
    assert float(Rescale(0.3).remask_probability(state, level(after))) == pytest.approx(0.3 * largest)


def test_remasking_while_held_does_nothing_while_the_clock_runs():
    state = replace(standing(3), noise_level=level(0.5, 0.1, 0.1))
    rates = WhileHeld(0.2).remask_probability(state, level(0.4, 0.1, 0.05))
    torch.testing.assert_close(rates, level(0.0, 0.1 / 0.9, 0.0).clamp(max=0.2))


def test_tokens_leave_at_the_stated_rate():
    state = replace(standing(4000, 5), noise_level=torch.full((4000,), 0.5).double())
    revision = Rescale(0.6)(state, prediction((4000, 5)), torch.full((4000,), 0.25).double())
    assert abs(float(revision.remask.double().mean()) - 0.3) < 5 * 0.5 / 20000**0.5
    assert float(revision.remask_probability[0]) == pytest.approx(0.3)


def test_doubt_is_shared_over_committed_positions_and_nothing_is_put_back():
    rows = 20000
    probability = torch.tensor([[0.2, 0.9, 0.5]]).repeat(rows, 1)
    state = sampler_state([[0, 0, 9]] * rows, committed=[[1, 1, 0]] * rows, commit_probability=probability)
    state = replace(state, noise_level=torch.full((rows,), 0.5).double())
    revision = ByConfidence()(state, prediction((rows, 3)), torch.full((rows,), 0.25).double())
    share = torch.tensor([-0.2, -0.9]).softmax(0)
    observed = revision.remask.double().mean(0)
    assert not revision.remask_probability.any()
    assert observed[2] == 0
    assert (observed[:2] - 0.5 * share).abs().max() < 5 * 0.5 / rows**0.5


def test_the_loop_rises_holds_and_rises_again():
    pace, state = AncestralLoop(20, t_on=0.5, t_off=0.25, alpha_on=0.8), sampler_state([[9]])
    levels = [float(pace.next_level(replace(state, step=torch.tensor([step])))) for step in range(20)]
    alpha = [1 - each for each in levels]
    assert alpha[4] == pytest.approx(0.4)
    assert alpha[9:15] == [pytest.approx(0.8)] * 6
    assert len({*levels[9:15]}) == 1
    assert alpha[16] == pytest.approx(1 - 0.2 * 0.15 / 0.25)
    assert levels[-1] == 0


def test_the_loop_holds_alpha_on_any_schedule():
    state = sampler_state([[9]])
    curved = replace(state, corruption=replace(state.corruption, schedule=Cosine()), step=torch.tensor([11]))
    assert float(Cosine().alpha(AncestralLoop(20).next_level(curved))) == pytest.approx(0.9)


@pytest.mark.parametrize("broken", [{"t_on": 0.1, "t_off": 0.2}, {"alpha_on": 1.0}, {"t_on": 1.0}])
def test_a_loop_out_of_order_is_refused(broken):
    with pytest.raises(ValueError, match="1 > t_on > t_off > 0"):
        AncestralLoop(8, **broken)


def test_thresholds_are_strict():
    state, value = standing(), torch.tensor([[0.5, 0.4999, 0.5001, 0.0]])
    for rule, name in ((LowQuality(0.5), "quality"), (LowProbability(0.5), "current_token_probability")):
        remask = rule(state, prediction((1, 4), **{name: value}), level(0.5)).remask
        assert remask.tolist() == [[False, True, False, True]]


def span(rule, tokens, committed, probability):
    state = sampler_state([tokens], committed=[committed], commit_probability=torch.tensor([probability]))
    return rule(state, prediction((1, len(tokens))), level(0.0)).remask[0].int().tolist()


def test_the_span_around_the_least_confident_commit_is_remasked():
    probability = [0.9, 0.8, 0.4, 0.7, 0.5]
    assert span(LeastConfidentSpan(0.6), [1] * 5, [1] * 5, probability) == [0, 1, 1, 1, 0]
    assert span(LeastConfidentSpan(0.6, radius=0), [1] * 5, [1] * 5, probability) == [0, 0, 1, 0, 0]
    assert span(LeastConfidentSpan(0.6, radius=9), [1] * 5, [1] * 5, probability) == [1] * 5
    assert span(LeastConfidentSpan(0.4), [1] * 5, [1] * 5, probability) == [0] * 5  # equality is not below
    assert span(LeastConfidentSpan(0.9), [1] * 2, [1] * 2, [0.3, 0.3]) == [1, 1]


def test_a_span_waits_for_a_full_sequence_and_leaves_what_is_given():
    assert span(LeastConfidentSpan(), [1, 1, 9], [1, 1, 0], [0.1, 0.1, 0.0]) == [0, 0, 0]
    given = sampler_state([[1, 1, 1]], committed=[[0, 1, 1]], editable=[[0, 1, 1]])
    given = replace(given, commit_probability=torch.tensor([[0.0, 0.1, 0.2]]))
    assert LeastConfidentSpan()(given, prediction((1, 3)), level(0.0)).remask.tolist() == [[False, True, True]]


def test_a_full_sequence_with_a_doubtful_commit_is_begun_anew():
    probability = [0.9, 0.8, 0.4, 0.7, 0.5]
    assert span(BeginAnew(0.6), [1] * 5, [1] * 5, probability) == [1] * 5
    assert span(BeginAnew(0.4), [1] * 5, [1] * 5, probability) == [0] * 5  # equality is not below
    assert span(BeginAnew(), [1, 1, 9], [1, 1, 0], [0.1, 0.1, 0.0]) == [0, 0, 0]
    given = sampler_state([[1, 1, 1]], committed=[[0, 1, 1]], editable=[[0, 1, 1]])
    given = replace(given, commit_probability=torch.tensor([[0.0, 1.0, 0.2]]))
    assert BeginAnew()(given, prediction((1, 3)), level(0.0)).remask.tolist() == [[False, True, True]]


def test_a_doubted_answer_is_begun_anew_only_when_it_is_full():
    state = sampler_state([[1, 1], [1, 1], [1, 9]], committed=[[1, 1], [1, 1], [1, 0]])
    quality = torch.tensor([[0.4, 0.4], [0.6, 0.6], [0.4, 0.4]])
    found = BeginAnewIfDoubted(0.5)(state, prediction((3, 2), answer_quality=quality), level(0.0))
    assert found.remask.tolist() == [[True, True], [False, False], [False, False]]


def test_a_negative_radius_is_refused():
    with pytest.raises(ValueError, match="radius=-1 must not be negative"):
        LeastConfidentSpan(radius=-1)
