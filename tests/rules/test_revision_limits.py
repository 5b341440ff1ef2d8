"""Revision limits: budgets by hand, cycles found, and a sampler that ends although its plan never stops revising."""

from dataclasses import replace

import pytest
import torch
from small_worlds import decision, prediction, sampler_state

from adaptive_diffusion.core.corruption import Absorbing
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rule import Plan
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.order import Confidence, Random
from adaptive_diffusion.rules.pace import Ancestral, Threshold
from adaptive_diffusion.rules.plans.correcting import CommitReplaceRemask
from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.plans.ranking import SelfPlanning
from adaptive_diffusion.rules.remasking import LowProbability, NoRemasking
from adaptive_diffusion.rules.remdm import Cap
from adaptive_diffusion.rules.revision_limits import (
    CYCLED,
    CYCLED_IN_BLOCK,
    SPENT,
    LimitedPlan,
    RevisionLimits,
    sequence_hash,
)
from adaptive_diffusion.sampling.sampler import Sampler


class RemaskAll(Plan):
    """Takes everything back, and never settles."""

    def __call__(self, state, prediction, candidate):
        return decision(state, remask=state.revisable)


class EditAll(Plan):
    """Puts token 0 everywhere."""

    def __call__(self, state, prediction, candidate):
        return decision(state, write=state.eligible)


def limited(plan, state, **limits):
    rule = LimitedPlan(plan, RevisionLimits(**limits))
    if not state.carry:
        state = replace(state, carry=rule.init_carry(state, 3))
    return rule(state, prediction(tuple(state.tokens.shape)), None)


@pytest.mark.parametrize("plan", [RemaskAll(), EditAll()], ids=["taken back", "replaced"])
def test_a_budget_is_spent_on_the_least_probable_commits(plan):
    state = replace(
        sampler_state([[1] * 4] * 2, committed=[[1] * 4] * 2),
        commit_probability=torch.tensor([[0.9, 0.1, 0.2, 0.3]] * 2),
        revisions=torch.tensor([[0, 0, 2, 1], [0, 0, 0, 4]], dtype=torch.int32),
    )
    revised = limited(plan, state, each=2, total=5).revised(state)
    assert revised.tolist() == [[False, True, False, True], [False, True, False, False]]
    nothing = limited(plan, state, each=0)
    assert not nothing.revised(state).any()
    assert nothing.settled.all()


def test_writing_the_same_token_again_is_no_revision():
    state = sampler_state([[0, 1]], committed=[[1, 1]])
    retained = limited(EditAll(), state, each=0)
    assert retained.write.tolist() == [[True, False]]


class Undecided(torch.nn.Module):
    """Position 0: whatever token stands there has probability .2, another .6. Position 1: never above .85."""

    vocabulary = width = 3
    memory, time_invariant, computes_all_blocks = None, True, True

    def __init__(self):
        super().__init__()
        self.corruption = Absorbing(3)

    def evaluate(self, state):
        probability = torch.tensor([[0.95, 0.03, 0.02], [0.85, 0.1, 0.05]]).repeat(len(state.tokens), 1, 1)
        shown = torch.full((3, 3), 0.2) + 0.4 * torch.eye(3).roll(1, 1)
        first = state.tokens[:, 0]
        probability[first < 3, 0] = shown[first[first < 3]]
        return Evaluation(probability.log())

    def logits(self, hidden):
        return hidden


@pytest.mark.parametrize("limits", [RevisionLimits(), RevisionLimits(each=1), RevisionLimits(total=2)])
def test_a_plan_commits_something_else_where_its_revision_is_refused(limits):
    queries = Queries.of(torch.zeros(1, 2, dtype=torch.int64), torch.ones(1, 2, dtype=torch.bool))
    plan = CommitReplaceRemask(commit=0.9, doubt=0.3, replace=0.7)
    result = Sampler(Undecided(), plan=plan, limits=limits).sample(queries)
    assert result.reason(0) == "all_committed"
    assert int(result.nfe[0]) <= 6
    assert result.answers.tolist() == [[0, 0]]


def test_a_protected_position_is_not_offered_to_the_plan():
    state = sampler_state([[1, 2, 9]], committed=[[1, 1, 0]], revisions=torch.tensor([[2, 0, 0]], dtype=torch.int32))
    seen = []

    class Watching(RemaskAll):
        def __call__(self, state, prediction, candidate):
            seen.append(state.revisable.tolist())
            return super().__call__(state, prediction, candidate)

    assert limited(Watching(), state, each=2).remask.tolist() == [[False, True, False]]
    assert limited(Watching(), state, total=2).remask.tolist() == [[False, False, False]]
    assert seen == [[[False, True, False]], [[False, False, False]]]


def test_a_full_sequence_whose_revisions_are_refused_is_settled_but_not_one_with_open_positions():
    full, half = sampler_state([[1, 1]], committed=[[1, 1]]), sampler_state([[1, 9]], committed=[[1, 0]])
    assert limited(RemaskAll(), full, each=0).settled.tolist() == [True]
    assert limited(RemaskAll(), half, each=0).settled.tolist() == [False]
    assert limited(RemaskAll(), full).settled.tolist() == [False]


def returns(memory, sequences):
    rule, state, revised = (
        LimitedPlan(RemaskAll(), RevisionLimits(memory=memory)),
        sampler_state([[0, 0]], committed=[[1, 1]]),
        [],
    )
    carry = rule.init_carry(state, 3)
    for tokens in sequences:
        state = replace(state, tokens=torch.tensor([tokens]), carry=carry)
        made_prediction = prediction((1, 2))
        made = rule(state, made_prediction, None)
        revised.append(bool(made.revised(state).any()))
        carry = rule.update_carry(state, made_prediction, made)
    return revised, bool(carry[CYCLED])


def test_a_sequence_that_returns_is_not_revised_again():
    assert returns(2, ([0, 0], [0, 1], [0, 2], [0, 1], [0, 0])) == ([True, True, True, False, False], True)


def test_a_sequence_is_forgotten_after_its_memory():
    assert returns(1, ([0, 0], [0, 1], [0, 0])) == ([True, True, True], False)


def test_the_hash_depends_on_token_position_and_status():
    sequences = [([0, 1], [1, 1]), ([1, 0], [1, 1]), ([0, 1], [1, 0]), ([0, 1], [0, 1]), ([0, 0], [1, 1])]
    hashes = [int(sequence_hash(sampler_state([tokens], committed=[stands]))) for tokens, stands in sequences]
    assert len({*hashes}) == len(sequences)


def test_only_plans_that_could_revise_without_end_are_limited():
    doubting = Composed(Confidence(), Threshold(0.5), LowProbability())
    steady = Composed(Confidence(), Threshold(0.5), NoRemasking())
    clocked = Composed(Random(), Ancestral(5), Cap())
    for plan, limited in (
        (doubting, True),
        (steady, False),
        (clocked, False),
        (SelfPlanning(5), False),
        (TokenEditing(doubting), True),
        (TokenEditing(steady), False),
        (RemaskAll(), True),
    ):
        assert isinstance(RevisionLimits().around(plan), LimitedPlan) == limited
    assert RevisionLimits().around(doubting).logit_statistics() == doubting.logit_statistics()
    assert RevisionLimits().around(TokenEditing(doubting)).corruptions == doubting.corruptions


class Hesitant(torch.nn.Module):
    """Always doubts what stands: it prefers the other of two tokens, and on an open position the first."""

    vocabulary = width = 2
    memory, time_invariant, computes_all_blocks = None, False, True

    def __init__(self):
        super().__init__()
        self.corruption = Absorbing(2)

    def evaluate(self, state):
        preferred = torch.where(state.committed, 1 - state.tokens, 0)
        return Evaluation(torch.nn.functional.one_hot(preferred, 2) * 6.0)

    def logits(self, hidden):
        return hidden


def test_a_sampler_that_always_remasks_ends_with_the_limit_it_met():
    queries = Queries.of(torch.zeros(3, 4, dtype=torch.int64), torch.ones(3, 4, dtype=torch.bool))
    parts = {"pace": Threshold(0.5), "remasking": LowProbability(0.3)}
    cycling = Sampler(Hesitant(), **parts).sample(queries)
    assert cycling.cycled.all()
    assert not cycling.budget_spent.any()
    assert (cycling.halt_reason == int(HaltReason.ALL_COMMITTED)).all()
    spending = Sampler(Hesitant(), **parts, limits=RevisionLimits(each=1, memory=1)).sample(queries)
    assert spending.budget_spent.all()
    assert (spending.revisions == 4).all()
    endless = Sampler(Hesitant(), **parts, limits=None).sample(queries, max_steps=40)
    assert (endless.halt_reason == int(HaltReason.STEP_LIMIT)).all()
    assert not (endless.cycled | endless.budget_spent).any()
    assert (cycling.nfe < 6).all()
    assert (spending.nfe < 6).all()


def test_a_cycle_of_an_earlier_block_is_reported_and_does_not_end_the_revisions_of_a_later_one():
    class HesitantAtFirst(Hesitant):
        """Doubts the first two positions, and is sure of the others."""

        def evaluate(self, state):
            early = torch.arange(state.tokens.shape[1]) < 2
            preferred = torch.where(state.committed, torch.where(early, 1 - state.tokens, state.tokens), 0)
            return Evaluation(torch.nn.functional.one_hot(preferred, 2) * 6.0)

    seen = []
    sampler = Sampler(HesitantAtFirst(), pace=Threshold(0.5), remasking=LowProbability(0.3), block_length=2)
    queries = Queries.of(torch.zeros(2, 4), torch.tensor([[1, 1, 1, 1], [0, 0, 1, 1]]))
    result = sampler.sample(queries, observers=[lambda step: seen.append(step.before)])
    assert result.cycled.tolist() == [True, False]
    later = [state.carry[CYCLED_IN_BLOCK][0] for state in seen if state.running[0] and state.block[0] == 1]
    assert later
    assert not any(later)


def test_limits_that_limit_nothing_are_refused():
    for broken in ({"each": -1}, {"total": -1}, {"memory": 0}):
        with pytest.raises(ValueError, match=r"negative|at least 1"):
            RevisionLimits(**broken)


def test_reaching_a_budget_is_remembered():
    state = sampler_state([[1, 1]], committed=[[1, 1]], revisions=torch.tensor([[2, 0]], dtype=torch.int32))
    rule = LimitedPlan(RemaskAll(), RevisionLimits(each=2))
    state = replace(state, carry=rule.init_carry(state, 3))
    assert rule.update_carry(state, prediction((1, 2)), decision(state))[SPENT].tolist() == [True]
