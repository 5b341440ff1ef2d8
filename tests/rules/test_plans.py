"""Joint plans by hand: what they rank, accept, verify, edit and correct."""

from dataclasses import replace

import pytest
import torch
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.core.draws import at_random
from adaptive_diffusion.core.prediction import Logits
from adaptive_diffusion.core.state import Candidate
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.order import Confidence
from adaptive_diffusion.rules.pace import FixedCount
from adaptive_diffusion.rules.plans.acceptance import EntropyBoundAcceptance
from adaptive_diffusion.rules.plans.ddpd import PlannedDenoising
from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.plans.gidd import SelfCorrection
from adaptive_diffusion.rules.plans.prism import BinomialQuality, LowestQuality
from adaptive_diffusion.rules.plans.psi import ConstantKappa, ConstantRemasking, GreedyTail, RescaledRemasking
from adaptive_diffusion.rules.plans.ranking import ExternalPlanning, ScoreRanking, SelfPlanning
from adaptive_diffusion.rules.plans.self_aware import SelfAwareKernel
from adaptive_diffusion.rules.plans.token_to_mask import ConfidentReplacement, LowTokenProbability, ProbabilityDrop
from adaptive_diffusion.rules.plans.uniform import Clock, Posterior, UniformPosterior, UniformRoutes, routes
from adaptive_diffusion.rules.plans.wino import WideInNarrowOut
from adaptive_diffusion.rules.remasking import NoRemasking
from adaptive_diffusion.rules.top_k import best

M = 9
ONE_A_STEP = Composed(Confidence(), FixedCount(1), NoRemasking())


def candidate(probabilities, tokens=None):
    probability = torch.tensor(probabilities)
    token = torch.zeros(probability.shape, dtype=torch.int64) if tokens is None else torch.tensor(tokens)
    return Candidate(token, probability)


def carried(plan, state, **values):
    return replace(state, carry={**plan.init_carry(state, 3), **values})


def places(mask):
    return [row.nonzero()[:, 0].tolist() for row in mask]


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
    head_output = prediction((1, 4), drawn_quality=quality, unmasking=quality)
    assert places(ExternalPlanning(4)(state, head_output, candidate([[1.0, 0.0, 0.2, 0.5]])).remask) == [[0]]
    decision = ScoreRanking(4)(state, head_output, candidate([[1.0, 0.0, 0.6, 0.9]]))
    assert (places(decision.remask), places(decision.write)) == ([[0]], [[2]])


def test_of_equal_scores_path_planning_opens_fewer():
    state = sampler_state([[M] * 4])
    decision = SelfPlanning(4)(state, prediction((1, 4)), candidate([[0.9, 0.9, 0.5, 0.5]]))
    assert places(decision.write) == [[0, 1]]  # three should be open, but only two are below the fourth smallest


@pytest.mark.parametrize(
    ("positions", "steps", "retained"), [(10, 4, [2, 4, 7, 10]), (3, 5, [0, 0, 1, 2, 3]), (8, 3, [2, 5, 8])]
)
def test_remedi_keeps_more_positions_in_its_late_steps(positions, steps, retained):
    state = replace(sampler_state([[M] * positions] * steps), step=torch.arange(steps))
    head_output = prediction((steps, positions), unmasking=torch.arange(positions).double().expand(steps, -1))
    decision = ScoreRanking(steps)(state, head_output, candidate([[0.5] * positions] * steps))
    assert [len(row) for row in places(decision.write)] == retained
    assert decision.settled.tolist() == [False] * (steps - 1) + [True]


def wino(plan, before, tokens, committed, probability, verified):
    state = sampler_state([tokens], committed=[committed])
    state = carried(plan, state, **{"wino.accepted": torch.tensor([before])})
    return plan(state, prediction((1, len(tokens)), verified=torch.tensor([verified])), candidate([probability]))


@pytest.mark.parametrize(
    ("before", "probability", "written", "remasked"),
    [
        (3, [0, 0, 0, 0.7, 0.61], [3, 4], [0, 1]),
        (2, [0, 0, 0, 0.7, 0.61], [3, 4], [1]),  # at most one fewer than were accepted before, the most doubtful
        (1, [0, 0, 0, 0.7, 0.61], [3, 4], []),
        (3, [0, 0, 0, 0.7, 0.6], [3], []),  # .6 is not above .6, and one acceptance re-opens nothing
        (3, [0, 0, 0, 0.2, 0.1], [3], []),
    ],
)
def test_wide_in_narrow_out(before, probability, written, remasked):
    verified = [0.89, 0.1, 0.9, 0.0, 0.0]
    decision = wino(WideInNarrowOut(), before, [0, 0, 0, M, M], [1, 1, 1, 0, 0], probability, verified)
    assert (places(decision.write), places(decision.remask)) == ([written], [remasked])


@pytest.mark.parametrize(("count", "accepted"), [(3, 3), (7, 5), (8, 5), (9, 6), (28, 19), (29, 20), (40, 20)])
def test_wino_accepts_a_share_of_the_open_positions_within_bounds(count, accepted):
    """min(max(⌊.7·open⌋, 5), 20), here with every position above the threshold."""
    decision = wino(WideInNarrowOut(), 0, [M] * count, [0] * count, [0.7] * count, [0.0] * count)
    assert places(decision.write) == [list(range(min(accepted, count)))]


def test_a_block_begins_as_if_thirty_had_been_accepted():
    state = sampler_state([[M, M]])
    assert WideInNarrowOut().init_carry(state, 5)["wino.accepted"].tolist() == [30]


def test_acceptance_is_not_sticky_and_the_rest_is_noise():
    state = sampler_state([[0, 0, 1, 2]], committed=[[1, 1, 0, 0]], corruption=Uniform(3))
    head_output = prediction((1, 4), entropy=torch.tensor([[0.5, 0.05, 0.1, 0.7]]))
    decision = EntropyBoundAcceptance(0.1)(state, head_output, candidate([[1.0] * 4]))
    assert places(decision.write) == [[1, 2]]
    assert (places(decision.remask), places(decision.renoise)) == ([[0]], [[3]])
    assert not decision.settled.any()


@pytest.mark.parametrize(("gamma", "accepted"), [(0.25, [0, 1]), (0.2499, [0]), (0.75, [0, 1, 2]), (0.0, [0])])
def test_acceptance_reaches_its_bound_and_does_not_pass_it(gamma, accepted):
    state = sampler_state([[0, 1, 2, 0]] * 2, corruption=Uniform(3))
    head_output = prediction(
        (2, 4), entropy=torch.tensor([[0.25, 0.5, 1.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
    )  # 0, .25, .75, 1.75
    assert places(EntropyBoundAcceptance(gamma)(state, head_output, candidate([[1.0] * 4] * 2)).write) == [
        accepted,
        [0, 1, 2, 3],
    ]


def edited(probability, tokens, extra=0, committed=(1, 1, 0)):
    plan = TokenEditing(ONE_A_STEP, threshold=0.9, extra=2)
    state = sampler_state([[0, 0, 0 if all(committed) else M]], committed=[list(committed)])
    state = carried(plan, state, **{"editing.extra": torch.tensor([extra])})
    return plan(state, prediction((1, 3)), candidate([probability], [tokens]))


def test_confident_second_thoughts_replace_what_stands():
    assert places(edited([0.91, 0.91, 0.5], [1, 0, 0]).write) == [[0, 2]]  # the second is what stands already
    assert places(edited([0.9, 0.89, 0.5], [1, 1, 0]).write) == [[2]]


def test_editing_ends_when_nothing_is_edited_or_the_extra_steps_are_spent():
    full = (1, 1, 1)
    assert edited([0.5, 0.5, 0.5], [1, 1, 1], committed=full).settled.item()
    assert not edited([0.95, 0.5, 0.5], [1, 1, 1], committed=full).settled.item()
    assert edited([0.95, 0.5, 0.5], [1, 1, 1], extra=1, committed=full).settled.item()
    assert not edited([0.95, 0.5, 0.5], [1, 1, 1]).settled.item()
    assert not edited([0.5, 0.5, 0.5], [1, 1, 1]).settled.item()  # full from here on, but not looked at yet


def corrected(tokens, argmax, drawn, probability, committed=(1, 1, 1), **carry):
    plan = SelfCorrection(ONE_A_STEP, patience=2, cap=5)
    level = torch.tensor([0.0 if all(committed) else 1 / 3], dtype=torch.float64)
    state = sampler_state([tokens], committed=[list(committed)], noise_level=level)
    values = {f"correction.{name}": torch.tensor([value]) for name, value in carry.items()}
    state = carried(plan, state, **values)
    head_output = prediction(
        (1, 3),
        argmax=torch.tensor([argmax]),
        correction=torch.tensor([drawn]),
        correction_probability=torch.tensor([probability]),
    )
    return plan(state, head_output, candidate([[0.1, 0.2, 0.3]], [drawn])), plan, state, head_output


def test_the_surest_other_token_replaces_one_position():
    decision, *_ = corrected([0, 0, 0], [1, 1, 0], [1, 1, 0], [0.6, 0.7, 0.9])
    assert places(decision.write) == [[1]]
    assert decision.noise_level.item() == 0.01
    assert not decision.settled.item()


def test_a_fixed_point_or_lost_patience_or_the_cap_ends_it():
    assert corrected([0, 0, 0], [0, 0, 0], [0, 0, 0], [0.9] * 3)[0].settled.item()
    stuck = ([0, 0, 0], [2, 0, 0], [1, 0, 0], [0.9] * 3)  # two agree with the argmax after the correction too
    assert not corrected(*stuck, best=2, waited=1)[0].settled.item()
    impatient = corrected(*stuck, best=2, waited=2)[0]
    assert impatient.settled.item()
    assert not impatient.write.any()  # the step that exceeds the patience corrects nothing
    assert not corrected(*stuck, best=1, waited=2)[0].settled.item()  # agreement rose: patience begins anew
    last = corrected(*stuck, best=1, steps=4)[0]
    assert (last.settled.item(), places(last.write)) == (True, [[0]])


def test_agreement_counts_the_token_that_was_just_corrected():
    decision, plan, state, head_output = corrected([0, 0, 0], [1, 0, 0], [1, 0, 0], [0.9] * 3, best=2, waited=1)
    carry = plan.update_carry(state, head_output, decision)
    assert (carry["correction.best"].item(), carry["correction.waited"].item()) == (3, 0)


def test_correction_begins_when_the_clock_has_run_down():
    plan = SelfCorrection(ONE_A_STEP, level=0.01)
    state = sampler_state([[0, 0]] * 3, committed=[[1, 1]] * 3, noise_level=torch.tensor([0.5, 0.01, 0.0]).double())
    assert plan.correcting(state).tolist() == [False, True, True]


def test_correction_waits_for_a_full_sequence():
    decision, plan, state, head_output = corrected([0, 0, M], [1, 1, 1], [1, 1, 1], [0.9] * 3, committed=(1, 1, 0))
    assert places(decision.write) == [[2]]
    assert not decision.settled.item()
    assert plan.update_carry(state, head_output, decision)["correction.steps"].item() == 0


def test_a_planner_draws_one_position_and_ends_when_it_expects_no_noise():
    decision = planned([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 1.0]], [1, 1, 2], step=0, enough=0.5)
    state = sampler_state([[0, 1, 2]] * 3)
    assert decision.tokens_after(state).tolist() == [[0, 2, 2], [0, 1, 2], [0, 1, 1]]
    assert decision.settled.tolist() == [False, True, False]
    assert decision.noise_level.tolist() == pytest.approx([0.0, 0.0, 1 / 3])


def planned(chance, drawn, step, **options):
    """The decision on [0, 1, 2], where the candidates are [2, 2, 1] and the argmax [1, 0, 0]."""
    rows = len(chance)
    state = replace(sampler_state([[0, 1, 2]] * rows, corruption=Uniform(3)), step=torch.full((rows,), step))
    head_output = prediction(
        (rows, 3),
        planner=torch.tensor(chance, dtype=torch.float64).logit().clamp(-1e9, 1e9),
        planned=torch.tensor(drawn)[:, None] == torch.arange(3),
        current_token_probability=torch.full((rows, 3), 0.25),
        argmax=torch.tensor([[1, 0, 0]] * rows),
        confidence=torch.full((rows, 3), 0.5),
    )
    return PlannedDenoising(5, **options)(state, head_output, candidate([[0.9] * 3] * rows, [[2, 2, 1]] * rows))


@pytest.mark.parametrize(("expected", "settled"), [(0.4999, True), (0.5, False), (0.5001, False)])
def test_a_planner_may_end_a_row_in_which_it_expects_no_noise(expected, settled):
    decision = planned([[expected, 0.0, 0.0]], [0], step=0, enough=0.5)
    assert decision.settled.item() is settled
    assert decision.tokens_after(sampler_state([[0, 1, 2]])).tolist() == ([[0, 1, 2]] if settled else [[2, 1, 2]])
    assert not planned([[0.0, 0.0, 0.0]], [0], step=0).settled.any()  # by default it takes all of its steps


def test_the_last_planned_step_fills_what_is_still_doubtful():
    decision = planned([[0.5, 0.06, 0.04], [0.04, 0.04, 0.04]], [0, 0], step=4)
    assert decision.tokens_after(sampler_state([[0, 1, 2]] * 2)).tolist() == [[1, 0, 2], [2, 1, 2]]
    assert decision.probability.flatten().tolist() == pytest.approx([0.5, 0.5, 0.25, 0.9, 0.25, 0.25])
    assert decision.settled.all()


def prism(plan, tokens, committed, quality, step):
    state = replace(sampler_state([tokens], committed=[committed]), step=torch.tensor([step]))
    return plan(state, prediction((1, len(tokens)), quality=torch.tensor([quality])), candidate([[0.5] * len(tokens)]))


@pytest.mark.parametrize(("committed", "suspects"), [(1, 0), (2, 1), (3, 1), (6, 1), (7, 0)])
def test_prism_looks_for_suspects_neither_at_the_start_nor_at_the_end(committed, suspects):
    """One suspect of 8 positions: only if more than 1 and fewer than 7 are committed."""
    present = [1] * committed + [0] * (8 - committed)
    decision = prism(LowestQuality(8, 1), [0] * committed + [M] * (8 - committed), present, [0.9, 0.1] * 4, committed)
    assert decision.remask.sum().item() == suspects
    assert decision.write.sum().item() == 1 + suspects  # the number of clean tokens stays on schedule
    assert not suspects or decision.remask[0, 1]


def test_prism_commits_by_a_ceiling():
    counts = [prism(LowestQuality(4, 0), [M] * 10, [0] * 10, [0.5] * 10, step).write.sum().item() for step in range(4)]
    assert counts == [3, 5, 8, 10]


def test_prism_keeps_the_best_suspects_where_too_little_is_open():
    """7 of 10 are committed, 10 − 3 is no more than 6: two suspects, then three open ones for a schedule of 9."""
    decision = prism(LowestQuality(10, 2), [0] * 7 + [M] * 3, [1] * 7 + [0] * 3, [0.9, 0.1, 0.2, *[0.9] * 7], 8)
    assert (places(decision.remask), places(decision.write)) == ([[1]], [[7, 8, 9]])


def test_the_binomial_number_of_suspects_has_its_mean():
    rows, plan = 8000, BinomialQuality(10, 0.25)
    state = sampler_state([[0] * 5 + [M] * 5] * rows, committed=[[1] * 5 + [0] * 5] * rows)
    assert plan.remask_probability(state)[0].item() == 0.25
    few = sampler_state([[0] * 9 + [M]], committed=[[1] * 9 + [0]])
    assert BinomialQuality(10, 1.0).remask_probability(few).item() == 0
    count = plan.number(state).double()
    assert abs(float(count.mean()) - 1.25) < 5 * float(count.std()) / rows**0.5


def refined(plan, state, probability, tokens, **summaries):
    summaries = {name: torch.tensor([value]) for name, value in summaries.items()}
    return plan(carried(plan, state), prediction((1, 4), **summaries), candidate([probability], [tokens]))


def test_confidently_contradicted_tokens_become_masks():
    state = sampler_state([[0, 0, 0, M]], committed=[[1, 1, 1, 0]])
    plan = ConfidentReplacement(ONE_A_STEP, threshold=0.9, share=1.0)
    decision = refined(plan, state, [0.95, 0.9, 0.95, 0.3], [1, 1, 0, 1])
    assert (places(decision.write), places(decision.remask)) == ([[3]], [[0]])  # the second is at .9, the third agrees
    often = replace(state, revisions=torch.tensor([[5, 0, 0, 0]], dtype=torch.int32))
    assert not refined(plan, often, [0.95, 0.9, 0.95, 0.3], [1, 1, 0, 1]).remask.any()


def test_only_a_share_of_the_tokens_becomes_masks_in_one_step():
    state = sampler_state([[0, 0, 0, 0]], committed=[[1, 1, 1, 1]])
    for share, remasked in ((0.1, [2]), (0.5, [2, 3]), (0.74, [2, 3]), (1.0, [0, 2, 3])):
        plan = LowTokenProbability(ONE_A_STEP, threshold=0.5, share=share)
        decision = refined(plan, state, [0.9] * 4, [1] * 4, current_token_probability=[0.4, 0.5, 0.1, 0.2])
        assert places(decision.remask) == [remasked]


def test_tokens_whose_probability_drops_become_masks():
    plan = ProbabilityDrop(ONE_A_STEP, threshold=0.3, share=1.0)
    state = carried(plan, sampler_state([[0, 0, M, M]], committed=[[1, 1, 0, 0]]))
    before = prediction((1, 4), current_token_probability=torch.tensor([[0.9, 0.8, 0.0, 0.0]]))
    proposed = candidate([[0.9, 0.8, 0.7, 0.2]], [[0, 0, 1, 1]])
    decision = plan(state, before, proposed)
    carry = plan.update_carry(state, before, decision)
    assert carry["token_to_mask.probability"].tolist()[0] == pytest.approx([0.9, 0.8, 0.7, 0.0])
    later = replace(
        sampler_state([[0, 0, 1, M]], committed=[[1, 1, 1, 0]]), carry=carry, step=torch.ones(1, dtype=torch.int64)
    )
    now = prediction((1, 4), current_token_probability=torch.tensor([[0.5, 0.6, 0.3, 0.0]]))
    assert places(plan(later, now, proposed).remask) == [[0, 2]]


def test_the_kernel_writes_where_it_is_sure_and_masks_the_rest():
    state = sampler_state([[0, 0, 0, M, M]], committed=[[1, 1, 1, 0, 0]])
    proposed = candidate([[0.9] * 5], [[0, 1, 1, 1, 1]])
    decision = SelfAwareKernel()(
        state, prediction((1, 5), unmasking=torch.tensor([[0.5, 0.9, 0.49, 0.8, 0.2]])), proposed
    )
    assert (places(decision.write), places(decision.remask)) == ([[1, 3]], [[2]])
    assert decision.noise_level.tolist() == [0.4]
    assert not decision.settled.any()


def test_the_kernel_ends_a_row_that_it_does_not_change():
    state = sampler_state([[0, 0, M]], committed=[[1, 1, 0]])
    sure = prediction((1, 3), unmasking=torch.tensor([[1.0, 1.0, 0.0]]))
    assert SelfAwareKernel()(state, sure, candidate([[0.9] * 3])).settled.item()
    assert not SelfAwareKernel()(state, sure, candidate([[0.9] * 3], [[0, 1, 0]])).settled.item()


def test_the_greedy_tail_takes_one_more_forward_for_its_argmax():
    plan = GreedyTail(UniformPosterior(2))
    state = sampler_state([[0, 1]] * 2, corruption=Uniform(3), noise_level=torch.tensor([0.5, 0.0]).double())
    head_output = prediction(
        (2, 2),
        posterior=torch.tensor([[0, 2]] * 2),
        posterior_probability=torch.ones(2, 2),
        argmax=torch.tensor([[2, 2]] * 2),
        confidence=torch.ones(2, 2),
    )
    decision = plan(replace(state, step=torch.tensor([1, 2])), head_output, candidate([[1.0] * 2] * 2))
    assert decision.tokens_after(state).tolist() == [[0, 2], [2, 2]]
    assert decision.settled.tolist() == [False, True]
    assert plan.horizon(9) == 3


def test_kappa_is_what_remasking_leaves():
    now, later = torch.tensor([0.5, 0.9]).double(), torch.tensor([0.6, 0.99]).double()
    assert ConstantKappa(0.3)(now, later).tolist() == [0.3, 0.3]
    assert ConstantRemasking(0.2)(now, later).tolist() == pytest.approx([0.5, 0.0])
    assert RescaledRemasking(0.1)(now, later).tolist() == pytest.approx([1 - 0.08 / 0.4, 1 - 0.1 / 0.9])


def test_a_position_is_drawn_with_its_weight():
    uniform = (torch.arange(1000).double() + 0.5) / 1000
    weight = torch.tensor([0.2, 0.5, 0.3, 9.0]).log().expand(1000, 4)
    among = torch.tensor([True, True, True, False]).expand(1000, 4)
    drawn = at_random(weight, among, uniform)
    assert drawn.sum(0).tolist() == [200, 500, 300, 0]
    assert not at_random(weight, among & False, uniform).any()


def test_ties_go_to_the_left():
    score = torch.tensor([[1.0, 1.0, 2.0, 1.0]])
    assert places(best(score, torch.tensor([[True, True, True, True]]), torch.tensor([2]))) == [[0, 2]]
    assert places(best(score, torch.tensor([[False, True, True, True]]), torch.tensor([9]))) == [[1, 2, 3]]


def test_sweeps_count_inside_the_budget_and_the_last_step_predicts():
    steps, clock = torch.arange(10), Clock(9, 2)
    assert clock.predicts(steps[:9]).tolist() == [True, False, False, True, False, False, True, True, True]
    assert clock.level(steps).tolist() == pytest.approx([1, 0.8, 0.8, 0.8, 0.6, 0.6, 0.6, 0.4, 0.2, 0])
    assert (clock.corrected, clock.predictor_steps) == (2, 5)
    assert Clock(4).level(torch.arange(5)).tolist() == [1.0, 0.75, 0.5, 0.25, 0.0]


@pytest.mark.parametrize(("t", "s"), [(1.0, 0.75), (0.5, 0.25), (0.5, 0.0), (1.0, 0.0)])
def test_the_posterior_is_bayes_rule(t, s):
    """q(x_s | x_t) ∝ q(x_t | x_s)·q(x_s) with q(x_s) from the leave-one-out prediction."""
    p, standing, steps = torch.tensor([0.7, 0.2, 0.1], dtype=torch.float64), 1, round(1 / (t - s))
    state = sampler_state([[standing]] * 600, corruption=Uniform(3), noise_level=torch.full((600,), t).double())
    state = replace(state, step=torch.full((600,), round((1 - t) * steps)))
    here = torch.arange(600), torch.zeros(600, dtype=torch.int64)
    read = Posterior(Clock(steps))(Logits(p.log().expand(600, 3), state, *here))
    retained = (1 - t) / (1 - s)
    now = (1 - s) * p + s / 3
    seen = torch.full((3,), (1 - retained) / 3).double()
    seen[standing] += retained
    expected = now * seen / (now * seen).sum()
    torch.testing.assert_close(read["posterior_probability"], expected[read["posterior"]])
    assert set(read["posterior"].tolist()) == set(expected.nonzero()[:, 0].tolist())


def test_the_routes_by_hand():
    level = torch.tensor([0.5], dtype=torch.float64)  # α_t = 1/2, α_s = 3/4, a = 2/3, K = 2
    state = sampler_state([[0, 0]], corruption=Uniform(2), noise_level=level)
    clean, stay = routes(state, candidate([[0.5, 0.5]], [[0, 1]]), 2, torch.tensor([0.25]).double())
    masses = torch.tensor([[1 / 8 + 1 / 2, 1 / 12, 1 / 24], [1 / 8, 1 / 12, 1 / 24]], dtype=torch.float64)
    expected = masses / masses.sum(1, keepdim=True)
    torch.testing.assert_close(clean[0], expected[:, 0])
    torch.testing.assert_close(stay[0], expected[:, 1])


@pytest.mark.parametrize(
    "broken",
    [
        lambda: SelfPlanning(0),
        lambda: WideInNarrowOut(most=0),
        lambda: LowestQuality(0),
        lambda: SelfAwareKernel(steps=0),
        lambda: EntropyBoundAcceptance(-0.1),
        lambda: PlannedDenoising(0),
        lambda: UniformRoutes(0),
        lambda: Clock(3, -1),
    ],
)
def test_plans_that_never_end_are_refused(broken):
    with pytest.raises(ValueError, match=r"at least 1|never finish"):
        broken()
