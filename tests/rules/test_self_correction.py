"""The self-correction of GIDD."""

import torch
from plan_cases import ONE_A_STEP, M, candidate, carried, places
from small_worlds import prediction, sampler_state

from adaptive_diffusion.rules.plans.gidd import SelfCorrection


def corrected(tokens, argmax, drawn, probability, committed=(1, 1, 1), **carry):
    plan = SelfCorrection(ONE_A_STEP, patience=2, cap=5)
    level = torch.tensor([0.0 if all(committed) else 1 / 3], dtype=torch.float64)
    state = sampler_state([tokens], committed=[list(committed)], noise_level=level)
    values = {f"correction.{name}": torch.tensor([value]) for name, value in carry.items()}
    state = carried(plan, state, **values)
    made_prediction = prediction(
        (1, 3),
        argmax=torch.tensor([argmax]),
        correction=torch.tensor([drawn]),
        correction_probability=torch.tensor([probability]),
    )
    return plan(state, made_prediction, candidate([[0.1, 0.2, 0.3]], [drawn])), plan, state, made_prediction


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
    decision, plan, state, made_prediction = corrected([0, 0, 0], [1, 0, 0], [1, 0, 0], [0.9] * 3, best=2, waited=1)
    carry = plan.update_carry(state, made_prediction, decision)
    assert (carry["correction.best"].item(), carry["correction.waited"].item()) == (3, 0)


def test_correction_begins_when_the_clock_has_run_down():
    plan = SelfCorrection(ONE_A_STEP, level=0.01)
    state = sampler_state([[0, 0]] * 3, committed=[[1, 1]] * 3, noise_level=torch.tensor([0.5, 0.01, 0.0]).double())
    assert plan.correcting(state).tolist() == [False, True, True]


def test_correction_waits_for_a_full_sequence():
    decision, plan, state, made_prediction = corrected([0, 0, M], [1, 1, 1], [1, 1, 1], [0.9] * 3, committed=(1, 1, 0))
    assert places(decision.write) == [[2]]
    assert not decision.settled.item()
    assert plan.update_carry(state, made_prediction, decision)["correction.steps"].item() == 0
