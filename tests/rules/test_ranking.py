"""Plans that rank all positions: P2, its planner and RemeDi."""

from dataclasses import replace

import pytest
import torch
from plan_cases import M, candidate, places
from small_worlds import prediction, sampler_state

from adaptive_diffusion.rules.plans.ranking import ExternalPlanning, ScoreRanking, SelfPlanning


def test_all_positions_are_ranked_and_the_rest_is_open():
    state = replace(sampler_state([[0, 0, M, M]] * 2, committed=[[1, 1, 0, 0]] * 2), step=torch.tensor([1, 3]))
    proposed = candidate([[0.9, 0.1, 0.8, 0.2]] * 2)
    decision = SelfPlanning(4)(state, prediction((2, 4)), proposed)
    assert places(decision.write) == [[2], [2, 3]]
    assert places(decision.remask) == [[1], []]
    assert decision.settled.tolist() == [False, True]
    assert decision.noise_level.tolist() == [0.5, 0.0]


@pytest.mark.parametrize(("eta", "remasked"), [(0.0, []), (0.2, []), (1.0, [1]), (3.0, [0, 1])])
def test_eta_weighs_what_stands_against_what_is_drawn(eta, remasked):
    state = replace(sampler_state([[0, 0, M, M]], committed=[[1, 1, 0, 0]]), step=torch.tensor([1]))
    decision = SelfPlanning(4, eta)(state, prediction((1, 4)), candidate([[0.7, 0.2, 0.6, 0.4]]))
    # log-scores η·(−.36, −1.61) against (−.51, −.92); the lowest two of four are open after the second of four steps
    assert places(decision.remask) == [remasked]


def test_a_planner_judges_what_stands_and_the_draw_what_is_open():
    state = replace(sampler_state([[0, 0, M, M]], committed=[[1, 1, 0, 0]]), step=torch.tensor([1]))
    quality = torch.tensor([[0.1, 0.9, 0.9, 0.1]])
    made_prediction = prediction((1, 4), drawn_quality=quality, unmasking=quality)
    assert places(ExternalPlanning(4)(state, made_prediction, candidate([[1.0, 0.0, 0.2, 0.5]])).remask) == [[0]]
    decision = ScoreRanking(4)(state, made_prediction, candidate([[1.0, 0.0, 0.6, 0.9]]))
    assert (places(decision.remask), places(decision.write)) == ([[0]], [[2]])


def test_of_equal_scores_path_planning_opens_fewer():
    state = sampler_state([[M] * 4])
    decision = SelfPlanning(4)(state, prediction((1, 4)), candidate([[0.9, 0.9, 0.5, 0.5]]))
    assert places(decision.write) == [[0, 1]]  # three should be open, but only two are below the fourth smallest


@pytest.mark.parametrize("plan", [SelfPlanning(8), ExternalPlanning(8)])
def test_path_planning_ends_a_row_once_nothing_is_opened_again(plan):
    """⌊2(1 − k/8)⌋ positions are open after step k: 1 up to step 4, 0 from step 5 on, whatever is drawn later."""
    rng = torch.Generator().manual_seed(0)
    state = replace(sampler_state([[0, M]] * 5, committed=[[1, 0]] * 5), step=torch.arange(5))
    scores = prediction((5, 2), drawn_quality=torch.rand(5, 2, generator=rng))
    drawn = candidate(torch.rand(5, 2, generator=rng).tolist())
    assert plan(state, scores, drawn).settled.tolist() == [False] * 4 + [True]
    full = replace(sampler_state([[0, 0]] * 3, committed=[[1, 1]] * 3), step=torch.arange(5, 8))
    later = plan(full, prediction((3, 2), drawn_quality=torch.rand(3, 2, generator=rng)), candidate([[0.1, 0.9]] * 3))
    assert not (later.write | later.remask).any()


@pytest.mark.parametrize(
    ("positions", "steps", "retained"), [(10, 4, [2, 4, 7, 10]), (3, 5, [0, 0, 1, 2, 3]), (8, 3, [2, 5, 8])]
)
def test_remedi_keeps_more_positions_in_its_late_steps(positions, steps, retained):
    state = replace(sampler_state([[M] * positions] * steps), step=torch.arange(steps))
    made_prediction = prediction((steps, positions), unmasking=torch.arange(positions).double().expand(steps, -1))
    decision = ScoreRanking(steps)(state, made_prediction, candidate([[0.5] * positions] * steps))
    assert [len(row) for row in places(decision.write)] == retained
    assert decision.settled.tolist() == [False] * (steps - 1) + [True]
