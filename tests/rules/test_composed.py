"""The composed plan: remasking, pace and order at work together, and when a sequence is settled."""

from dataclasses import dataclass, replace

import pytest
import torch
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability, Top
from adaptive_diffusion.core.rule import ABSORBING, Remasking, Revision, UnmaskingOrder, open_share
from adaptive_diffusion.core.state import Candidate
from adaptive_diffusion.rules.adaptive import EntropyBound, Factor, Quota
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.klass import StableOrQuota
from adaptive_diffusion.rules.order import Confidence, Margin
from adaptive_diffusion.rules.pace import (
    Ancestral,
    FirstHitting,
    FixedCount,
    FixedSteps,
    RandomThreshold,
    Threshold,
)
from adaptive_diffusion.rules.remasking import LowProbability, NoRemasking
from adaptive_diffusion.rules.remdm import Cap

MASK = 9


def decide(plan, state, confidence, standing=None):
    """The decision where every candidate is token 7 with the given probabilities [B, L]."""
    probability = torch.tensor(confidence)
    made_prediction = prediction(
        tuple(probability.shape), current_token_probability=torch.tensor(standing or [[1.0] * probability.shape[1]])
    )
    return plan(state, made_prediction, Candidate(torch.full_like(state.tokens, 7), probability))


def test_the_pace_counts_and_the_order_chooses():
    state = sampler_state([[MASK, MASK, 1, MASK], [MASK, MASK, 1, MASK]], committed=[[0, 0, 1, 0], [0, 0, 1, 0]])
    plan = Composed(Confidence(), Threshold(0.5), NoRemasking())
    made = decide(plan, state, [[0.5, 0.4999, 0.99, 0.9], [0.1, 0.3, 0.99, 0.2]])
    assert made.write.tolist() == [[True, False, False, True], [False, True, False, False]]
    assert not made.remask.any()
    assert made.settled.tolist() == [False, False]


def test_without_remasking_a_full_sequence_is_settled_row_by_row():
    state = sampler_state([[MASK, MASK], [1, MASK], [1, MASK]], committed=[[0, 0], [1, 0], [1, 0]])
    plan = Composed(Confidence(), FixedCount(1), NoRemasking())
    assert decide(plan, state, [[0.9, 0.8]] * 3).settled.tolist() == [False, True, True]


def test_with_remasking_a_sequence_is_settled_only_when_a_step_neither_wrote_nor_revoked():
    plan = Composed(Confidence(), Threshold(0.5), LowProbability(0.3))
    state = sampler_state([[1, MASK], [1, 2], [1, 2]], committed=[[1, 0], [1, 1], [1, 1]])
    made = decide(plan, state, [[0.9, 0.9]] * 3, standing=[[0.9, 0.0], [0.9, 0.3], [0.9, 0.2999]])
    assert made.write.tolist() == [[False, True], [False, False], [False, False]]
    assert made.remask.tolist() == [[False, False], [False, False], [False, True]]
    assert made.settled.tolist() == [False, True, False]


def test_with_remasking_that_draws_a_full_sequence_is_settled_when_the_clock_has_ended():
    plan = Composed(Confidence(), FixedSteps(2), Cap(0.0))
    for step, settled in ((0, False), (1, True)):
        state = sampler_state([[1, 2]], committed=[[1, 1]], step=torch.tensor([step]))
        assert decide(plan, state, [[0.9, 0.9]]).settled.tolist() == [settled]


def test_with_remasking_that_does_not_draw_a_full_sequence_in_which_nothing_is_revised_is_settled():
    plan = Composed(Confidence(), FixedSteps(3), LowProbability(0.3))
    state = sampler_state([[1, 2], [1, 2], [1, MASK]], committed=[[1, 1], [1, 1], [1, 0]])
    made = decide(plan, state, [[0.9, 0.9]] * 3, standing=[[0.9, 0.9], [0.9, 0.1], [0.9, 0.0]])
    assert made.settled.tolist() == [True, False, False]


@pytest.mark.parametrize("corruption", [Absorbing(MASK), Uniform(MASK)])
def test_a_single_position_under_masked_noise_needs_no_second_look(corruption):
    plan = Composed(Confidence(), Threshold(0.5), LowProbability(0.3))
    state = sampler_state([[1, 3, 2]], editable=[[0, 1, 0]], corruption=corruption)
    assert decide(plan, state, [[0.9] * 3]).settled.tolist() == [corruption.kind == "absorbing"]


def test_a_position_remasked_at_the_end_of_the_clock_is_not_settled():
    plan = Composed(Confidence(), FixedSteps(1), LowProbability(0.3))
    state = sampler_state([[1, 2]], committed=[[1, 1]])
    assert decide(plan, state, [[0.9, 0.9]], standing=[[0.1, 0.9]]).settled.tolist() == [False]


@dataclass(frozen=True)
class Recalling(UnmaskingOrder):
    """An order that remembers the last confidence and serves masks only."""

    corruptions = ABSORBING

    def logit_statistics(self):
        return (Top(),)

    def init_carry(self, state, vocabulary):
        return {"recalling.last": torch.zeros(len(state.tokens), vocabulary)}

    def update_carry(self, state, prediction, decision):
        return {"recalling.last": state.carry["recalling.last"] + 1}

    def __call__(self, state, prediction, candidate):
        return candidate.probability


@dataclass(frozen=True)
class TakeBackTheLastStep(Remasking):
    """Remasks everything and reports how much it leaves to the pace."""

    def init_carry(self, state, vocabulary):
        return {"taking.count": torch.zeros(len(state.tokens))}

    def __call__(self, state, prediction, next_level):
        return Revision(state.revisable, torch.full_like(next_level, 0.5))


def test_what_the_parts_need_is_gathered():
    plan = Composed(Recalling(), Threshold(), LowProbability())
    assert set(plan.logit_statistics()) == {Top(), CurrentTokenProbability()}
    assert plan.reads_committed
    assert plan.corruptions == ABSORBING
    assert not Composed(Margin(), Threshold(), NoRemasking()).reads_committed
    assert plan.revises
    assert not Composed(Margin(), Threshold(), NoRemasking()).revises


def test_every_part_keeps_its_own_carry():
    plan, state = Composed(Recalling(), Threshold(), TakeBackTheLastStep()), sampler_state([[MASK, 1]])
    state = replace(state, carry=plan.init_carry(state, 3))
    assert {name: tuple(value.shape) for name, value in state.carry.items()} == {
        "recalling.last": (1, 3),
        "taking.count": (1,),
    }
    remembered = plan.update_carry(state, prediction((1, 2)), None)
    assert remembered["recalling.last"].tolist() == [[1.0, 1.0, 1.0]]


def test_remasking_comes_before_the_pace():
    # α: 1/4 → 1/2. With σ = 1/2 the pace commits an open position with (1/2 − 1/8)/(3/4) = 1/2, without with 1/3.
    rows = 200
    plan = Composed(Confidence(), Ancestral(4), TakeBackTheLastStep())
    state = sampler_state(
        [[MASK, 1]] * rows,
        committed=[[0, 1]] * rows,
        step=torch.ones(rows, dtype=torch.int64),
        noise_level=torch.full((rows,), 0.75).double(),
    )
    made = decide(plan, state, [[0.5, 0.5]] * rows)
    uniform = state.noise.everywhere("pace", 2)[:, 0]
    assert torch.equal(made.write[:, 0], uniform < 0.5)
    assert ((uniform > 1 / 3) & (uniform < 0.5)).any()
    assert made.remask.tolist() == [[False, True]] * rows


def test_the_clock_and_the_step_limit_are_the_paces():
    plan = Composed(Confidence(), FixedSteps(5), NoRemasking())
    state = sampler_state([[MASK] * 3], step=torch.tensor([1]))
    assert plan.horizon(100) == 5
    assert plan.first_level(state).tolist() == [1.0]
    torch.testing.assert_close(decide(plan, state, [[0.5] * 3]).noise_level, torch.tensor([0.6]).double())


@pytest.mark.parametrize(("count", "level"), [(4, 1.0), (1, 0.25), (0, 0.0), (-2, 0.0)])
def test_the_open_share_is_the_noise_level_of_a_pace_without_a_clock(count, level):
    state = sampler_state([[MASK] * 5], editable=[[1, 1, 1, 1, 0]])
    assert open_share(state, torch.tensor([count])).tolist() == [level]


@pytest.mark.parametrize(
    "pace",
    [
        FixedCount(2),
        Threshold(0.5),
        RandomThreshold(0.4, 0.6),
        Factor(1.0),
        EntropyBound(0.1),
        Quota(0.5),
        StableOrQuota(2),
    ],
)
def test_noise_level_of_a_pace_without_a_clock_is_the_open_share_after_the_step(pace):
    state = sampler_state([[1, MASK, MASK, MASK, MASK]] * 2, committed=[[1, 0, 0, 0, 0]] * 2)
    confidence = torch.tensor([[1.0, 0.9, 0.9, 0.1, 0.1]] * 2)
    made_prediction = prediction(
        (2, 5),
        entropy=torch.tensor([[0.0, 0.0, 0.01, 1.0, 1.0]] * 2),
        current_token_probability=torch.tensor([[1.0] * 5, [0.0] * 5]),
    )
    made = Composed(Confidence(), pace, LowProbability(0.3))(
        state, made_prediction, Candidate(torch.full_like(state.tokens, 7), confidence)
    )
    assert made.remask.sum(1).tolist() == [0, 1]
    left = made.still_open(state).sum(1)
    assert left.tolist() == [4 - int(made.write[0].sum()), 5 - int(made.write[1].sum())]
    assert made.write.any(1).all()
    assert made.noise_level.tolist() == pytest.approx((left / 5).tolist())


@pytest.mark.parametrize("pace", [FixedSteps(4), Ancestral(4), FirstHitting()])
def test_noise_level_of_a_pace_with_a_clock_is_its_own(pace):
    state = sampler_state([[1, MASK, MASK]], committed=[[1, 0, 0]], noise_level=torch.tensor([0.9]).double())
    made = decide(Composed(Confidence(), pace, NoRemasking()), state, [[0.9, 0.8, 0.7]])
    assert torch.equal(made.noise_level, pace.next_level(state))
