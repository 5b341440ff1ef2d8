"""Joint plans by hand: what they rank, accept, verify, edit and correct."""

from dataclasses import replace

import pytest
import torch
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.core.prediction import Logits
from adaptive_diffusion.core.state import Candidate
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.order import Confidence
from adaptive_diffusion.rules.pace import FixedCount
from adaptive_diffusion.rules.plans.acceptance import EntropyBoundAcceptance
from adaptive_diffusion.rules.plans.ddpd import PlannedDenoising
from adaptive_diffusion.rules.plans.editing import SelfCorrection, TokenEditing
from adaptive_diffusion.rules.plans.ranking import ByQuality, ExternalPlanning, SelfPlanning
from adaptive_diffusion.rules.plans.uniform import Clock, Posterior, UniformRoutes
from adaptive_diffusion.rules.plans.wino import WideInNarrowOut
from adaptive_diffusion.rules.remasking import NoRemasking
from adaptive_diffusion.rules.top_k import at_random, best

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
    head_output = prediction((1, 4), quality=torch.tensor([[0.1, 0.9, 0.9, 0.1]]))
    assert places(ExternalPlanning(4)(state, head_output, candidate([[1.0, 0.0, 0.2, 0.5]])).remask) == [[0]]
    decision = ByQuality(4)(state, head_output, candidate([[1.0, 0.0, 0.6, 0.9]]))
    assert (places(decision.remask), places(decision.write)) == ([[0]], [[2]])


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


def test_no_more_than_most_are_accepted():
    decision = wino(WideInNarrowOut(most=2), 0, [M] * 4, [0] * 4, [0.7, 0.9, 0.8, 0.95], [0.0] * 4)
    assert places(decision.write) == [[1, 3]]


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
    state = sampler_state([tokens], committed=[list(committed)])
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
    stuck = ([0, 0, 0], [1, 0, 0], [1, 0, 0], [0.9] * 3)
    assert not corrected(*stuck, best=2, waited=0)[0].settled.item()
    assert corrected(*stuck, best=2, waited=1)[0].settled.item()
    assert not corrected(*stuck, best=1, waited=1)[0].settled.item()  # agreement rose: patience begins anew
    assert corrected(*stuck, best=1, steps=4)[0].settled.item()


def test_correction_waits_for_a_full_sequence():
    decision, plan, state, head_output = corrected([0, 0, M], [1, 1, 1], [1, 1, 1], [0.9] * 3, committed=(1, 1, 0))
    assert places(decision.write) == [[2]]
    assert not decision.settled.item()
    assert plan.update_carry(state, head_output, decision)["correction.steps"].item() == 0


def test_a_planner_draws_one_position_and_ends_when_it_expects_no_noise():
    state = sampler_state([[0, 1, 2]] * 3, corruption=Uniform(3))
    planner = torch.tensor([[-40.0, 40.0, -40.0], [-40.0, -40.0, -40.0], [40.0, -40.0, 40.0]])
    head_output = prediction((3, 3), planner=planner, current_token_probability=torch.full((3, 3), 0.25))
    decision = PlannedDenoising(5)(state, head_output, candidate([[0.9] * 3] * 3, [[2, 2, 1]] * 3))
    written = decision.tokens_after(state)
    assert written[0].tolist() == [0, 2, 2]
    assert written[1].tolist() == [0, 1, 2]
    assert written[2].tolist() in ([2, 1, 2], [0, 1, 1])
    assert decision.settled.tolist() == [False, True, False]
    assert decision.noise_level.tolist() == pytest.approx([0.0, 0.0, 1 / 3])


@pytest.mark.parametrize(("expected", "settled"), [(0.4999, True), (0.5, False), (0.5001, False)])
def test_a_planner_ends_below_half_a_corrupted_position(expected, settled):
    state = sampler_state([[0, 1]], corruption=Uniform(3))
    chance = torch.tensor([[expected, 0.0]], dtype=torch.float64)
    head_output = prediction((1, 2), planner=chance.logit().clamp(min=-1e9), current_token_probability=torch.ones(1, 2))
    decision = PlannedDenoising(5)(state, head_output, candidate([[0.9, 0.9]], [[2, 2]]))
    assert decision.settled.item() is settled
    assert decision.tokens_after(state).tolist() == ([[0, 1]] if settled else [[2, 1]])


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
    steps = torch.arange(8)
    clock = Clock(7, 2)
    assert clock.predicts(steps[:7]).tolist() == [True, False, False, True, False, False, True]
    assert clock.level(steps).tolist() == pytest.approx([1, 2 / 3, 2 / 3, 2 / 3, 1 / 3, 1 / 3, 1 / 3, 0])
    assert Clock(4).level(torch.arange(5)).tolist() == [1.0, 0.75, 0.5, 0.25, 0.0]


@pytest.mark.parametrize(("t", "s"), [(1.0, 0.75), (0.5, 0.25), (0.5, 0.0), (1.0, 0.0)])
def test_the_posterior_is_bayes_rule(t, s):
    """q(x_s | x_t) ∝ q(x_t | x_s)·q(x_s) with q(x_s) from the leave-one-out prediction."""
    p, standing, steps = torch.tensor([0.7, 0.2, 0.1], dtype=torch.float64), 1, round(1 / (t - s))
    state = sampler_state([[standing]] * 600, corruption=Uniform(3), noise_level=torch.full((600,), t).double())
    state = replace(state, step=torch.full((600,), round((1 - t) * steps)))
    here = torch.arange(600), torch.zeros(600, dtype=torch.int64)
    read = Posterior(Clock(steps))(Logits(p.log().expand(600, 3), state, *here))
    kept = (1 - t) / (1 - s)
    now = (1 - s) * p + s / 3
    seen = torch.full((3,), (1 - kept) / 3).double()
    seen[standing] += kept
    expected = now * seen / (now * seen).sum()
    torch.testing.assert_close(read["posterior_probability"], expected[read["posterior"]])
    assert set(read["posterior"].tolist()) == set(expected.nonzero()[:, 0].tolist())


def test_the_routes_by_hand():
    level = torch.tensor([0.5], dtype=torch.float64)  # α_t = 1/2, α_s = 3/4, a = 2/3, K = 2
    state = sampler_state([[0, 0]], corruption=Uniform(2), noise_level=level)
    clean, stay = UniformRoutes(4).routes(state, candidate([[0.5, 0.5]], [[0, 1]]), torch.tensor([0.25]).double())
    masses = torch.tensor([[1 / 8 + 1 / 2, 1 / 12, 1 / 24], [1 / 8, 1 / 12, 1 / 24]], dtype=torch.float64)
    expected = masses / masses.sum(1, keepdim=True)
    torch.testing.assert_close(clean[0], expected[:, 0])
    torch.testing.assert_close(stay[0], expected[:, 1])


@pytest.mark.parametrize(
    "broken",
    [
        lambda: SelfPlanning(0),
        lambda: WideInNarrowOut(most=0),
        lambda: EntropyBoundAcceptance(-0.1),
        lambda: PlannedDenoising(0),
        lambda: UniformRoutes(0),
        lambda: Clock(3, -1),
    ],
)
def test_plans_that_never_end_are_refused(broken):
    with pytest.raises(ValueError, match=r"at least 1|never finish"):
        broken()
