"""Lanes: their steps are the sampler's own, and they go on after a token was changed by hand."""

from dataclasses import replace

import pytest
from small_worlds import transformer

from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.playground.frames import BY_HAND
from adaptive_diffusion.playground.lanes import advance, resumed, solve, start, take_over
from adaptive_diffusion.playground.limits import Limits
from adaptive_diffusion.rules.halting import AllCommitted
from adaptive_diffusion.rules.pace import FixedCount, Threshold
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import LowProbability
from adaptive_diffusion.sampling.restart import Restart
from adaptive_diffusion.sampling.sampler import Sampler

LIMITS = Limits()


@pytest.fixture
def sampler() -> Sampler:
    """One that draws, commits early and takes tokens back."""
    return Sampler(
        transformer(), proposal=Draw(), pace=Threshold(0.3), remasking=LowProbability(0.35), halting=AllCommitted()
    )


def end_of(lanes, limits=LIMITS):
    return [*solve(lanes, limits)][-1]


@pytest.mark.parametrize("number", range(5))
def test_answers_are_those_of_the_sampler(playground, sampler, number):
    board = playground.draw(number)
    lanes = end_of(start(sampler, "it", board, variations=3, seed=4))
    result = sampler.sample(board.queries(), n=3, seed=4)
    for row, lane in enumerate(lanes):
        frame = lane.frames[-1]
        assert frame.tokens == result.answers[row].tolist()
        assert frame.nfe == result.nfe[row]
        assert frame.token_forwards == result.token_forwards[row]
        assert frame.ended == result.why(row)
        assert len(lane.frames) - 1 == result.steps[row]


def test_changes_of_a_frame_lead_from_the_frame_before_to_it(playground, sampler):
    lane = end_of(start(sampler, "it", playground.draw(1), variations=1, seed=0))[0]
    kinds = set()
    for before, after in zip(lane.frames, lane.frames[1:], strict=False):
        tokens = before.tokens
        for place, change in after.changes.items():
            tokens[place] = OPEN if change.kind == "remask" else change.token
            kinds.add(change.kind)
        assert tokens == after.tokens
    assert {"commit", "remask"} <= kinds


def test_lane_that_is_changed_to_what_it_was_goes_on_as_if_nothing_had_happened(playground, sampler):
    lane = end_of(start(sampler, "it", playground.draw(1), variations=1, seed=0))[0]
    step = next(number for number, frame in enumerate(lane.frames) if number and OPEN in frame.tokens)
    place = lane.frames[step].tokens.index(OPEN)
    changed = take_over(lane, step, place, None)
    again = end_of([changed])[0]
    assert len(changed.frames) == step + 2
    assert changed.frames[-1].changes[place].kind == BY_HAND
    assert again.frames[-1].tokens == lane.frames[-1].tokens
    assert again.frames[-1].nfe == lane.frames[-1].nfe


def test_token_written_by_hand_is_locked_and_stands_in_the_answer(playground, sampler):
    lane = end_of(start(sampler, "it", playground.draw(0), variations=1, seed=0))[0]
    place = playground.draw(0).tokens.index(OPEN)
    for token in range(5):
        changed = end_of([take_over(lane, 1, place, token)])[0]
        assert changed.frames[2].locked[place]
        assert all(frame.tokens[place] == token for frame in changed.frames[2:])
        assert OPEN not in changed.frames[-1].tokens


def test_finished_answer_goes_on_after_a_token_of_it_was_erased(playground, sampler):
    lane = end_of(start(sampler, "it", playground.draw(0), variations=1, seed=0))[0]
    last = len(lane.frames) - 1
    changed = take_over(lane, last, 3, None)
    assert not changed.ended
    assert changed.frames[-1].tokens[3] == OPEN
    assert changed.frames[-1].nfe == lane.frames[-1].nfe
    finished = end_of([changed])[0]
    assert finished.ended
    assert finished.frames[-1].tokens[3] != OPEN
    assert finished.frames[-1].nfe > lane.frames[-1].nfe


def test_token_that_is_freed_stays_until_the_sampler_takes_it_back(playground):
    careful = Sampler(transformer(), pace=FixedCount(1))
    board = playground.draw(0)
    lane = start(careful, "it", board, variations=1, seed=0)[0]
    given = board.locked.index(True)
    changed = take_over(lane, 0, given, board.tokens[given], lock=False)
    assert not changed.frames[-1].locked[given]
    assert end_of([changed])[0].frames[-1].tokens[given] == board.tokens[given]


def test_position_is_opened_under_uniform_noise_too(playground):
    denoiser = transformer(corruption=Uniform(5))
    lane = start(Sampler(denoiser, pace=FixedCount(2)), "it", playground.draw(0), variations=1, seed=0)[0]
    lane = end_of([lane])[0]
    changed = take_over(lane, 1, 0, None)
    assert changed.frames[-1].tokens[0] == OPEN
    assert 0 <= int(changed.frames[-1].state.tokens[0, 0]) < 5
    assert OPEN not in end_of([changed])[0].frames[-1].tokens


@pytest.mark.parametrize(("position", "token"), [(-1, 0), (9, 0), (0, 5), (0, -1)])
def test_change_outside_of_the_sequence_or_the_vocabulary_is_refused(playground, sampler, position, token):
    lane = start(sampler, "it", playground.draw(0), variations=1, seed=0)[0]
    with pytest.raises(ValueError, match="there is no (position|token)"):
        take_over(lane, 0, position, token)


def test_block_that_is_finished_cannot_be_changed(playground):
    board = playground.typed(".........")
    lane = start(Sampler(transformer(), block_length=3), "it", board, variations=1, seed=0)[0]
    for _ in range(4):
        lane = advance(lane, LIMITS)
    assert int(lane.frames[-1].state.block[0]) == 1
    with pytest.raises(ValueError, match="the block of this position is finished"):
        take_over(lane, 4, 0, None)
    assert OPEN not in end_of([take_over(lane, 4, 5, None)])[0].frames[-1].tokens


def test_time_that_is_over_stops_lanes_and_they_can_go_on(playground, sampler):
    ticks = iter(range(1000))
    lanes = [*solve(start(sampler, "it", playground.draw(1), 1, 0), Limits(seconds=0.5), clock=lambda: next(ticks))]
    assert len(lanes) == 1
    stopped = lanes[0][0]
    assert "the time limit of 0.5 seconds was reached" in stopped.frames[-1].ended
    assert (
        end_of([resumed(stopped)])[0].frames[-1].tokens
        == end_of(start(sampler, "it", playground.draw(1), 1, 0))[0].frames[-1].tokens
    )


def test_lane_that_ended_by_itself_is_not_resumed(playground, sampler):
    lane = end_of(start(sampler, "it", playground.draw(1), 1, 0))[0]
    assert resumed(lane) is lane
    assert advance(lane, LIMITS) is lane


def test_step_limit_of_the_playground_ends_an_answer_with_the_sentence_of_the_step_limit(playground):
    lane = start(Sampler(transformer(), pace=FixedCount(1)), "it", playground.draw(0), 1, 0)[0]
    found = end_of([lane], replace(LIMITS, steps=2))[0]
    assert len(found.frames) == 3
    assert "the step limit was reached" in found.frames[-1].ended


def test_denoiser_that_raises_ends_the_lane_with_its_sentence(playground):
    sampler = Sampler(transformer())
    lane = start(sampler, "it", playground.draw(0), 1, 0)[0]
    sampler.denoiser.evaluate = lambda state: 1 / 0
    found = end_of([lane])[0]
    assert "division by zero" in found.frames[-1].ended


@pytest.fixture
def restarting(sampler) -> Restart:
    """Answers are drawn anew until one is more probable than most are."""
    return Restart(sampler, tries=4, enough=0.02)


def test_every_sampler_that_serves_the_model_is_offered_and_its_lane_ends_with_its_answer(playground):
    assert {"restart", "wino", "blocks_64"} <= set(playground.choices)
    assert "learned" not in playground.choices  # it needs a head that the model does not have
    board = playground.draw(1)
    for name, choice in playground.choices.items():
        frame = end_of(start(choice.sampler, name, board, 1, seed=0))[0].frames[-1]
        result = choice.sampler.sample(board.queries(), seed=0)
        assert (name, frame.tokens) == (name, result.answers[0].tolist())
        assert (name, frame.nfe, frame.token_forwards) == (name, int(result.nfe[0]), int(result.token_forwards[0]))


def test_query_that_is_answered_several_times_costs_all_tries_and_has_the_best_answer(playground, restarting):
    numbers, earlier = set(), 0
    for number in range(5):
        for seed in range(4):
            board = playground.draw(number)
            lane = end_of(start(restarting, "it", board, variations=1, seed=seed))[0]
            result = restarting.sample(board.queries(), seed=seed)
            last = lane.frames[-1]
            assert last.tokens == result.answers[0].tolist()
            assert (last.nfe, last.token_forwards) == (int(result.nfe[0]), int(result.token_forwards[0]))
            assert last.score == pytest.approx(float(result.log_probability[0]))
            numbers.add(last.number)
            earlier += "has the highest probability" in last.ended
            tokens = lane.frames[0].tokens
            for frame in lane.frames[1:]:
                for place, change in frame.changes.items():
                    tokens[place] = OPEN if change.kind == "remask" else change.token
                assert tokens == frame.tokens
    assert len(numbers) > 1  # some answers were probable enough before the last try
    assert earlier


def test_token_changed_in_a_second_try_stands_in_the_third(playground, restarting):
    never = replace(restarting, enough=2.0)
    board = playground.draw(0)
    place = board.tokens.index(OPEN)
    lane = end_of(start(never, "it", board, variations=1, seed=0))[0]
    second = next(step for step, frame in enumerate(lane.frames) if frame.number == 1)
    assert lane.frames[second].note == "Try 2 of 4 begins."
    changed = take_over(lane, second, place, 3)
    assert all(frame.score is None for frame in changed.frames)
    finished = end_of([changed])[0]
    scored = [frame.number for frame in finished.frames if frame.score is not None and not frame.ended]
    assert scored == [1, 2, 3]  # the last try is no end: an earlier one is better
    assert "has the highest probability" in finished.frames[-1].ended
    assert all(frame.tokens[place] == 3 for frame in finished.frames[second + 1 :])
    freed = end_of([take_over(finished, second + 1, place, None)])[0]
    assert freed.ended
    assert OPEN not in freed.frames[-1].tokens


def test_time_that_is_over_between_two_tries_is_no_end(playground, restarting):
    board, never = playground.draw(1), replace(restarting, enough=2.0)
    expected = end_of(start(never, "it", board, 1, 0))[0]
    lane = start(never, "it", board, 1, 0)[0]
    while not lane.ended:
        lane = resumed([*solve([lane], Limits(seconds=1e-9))][-1][0])
    assert lane.frames[-1].tokens == expected.frames[-1].tokens
    assert lane.frames[-1].nfe == expected.frames[-1].nfe
