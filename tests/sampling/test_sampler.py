"""The loop's promises: the prompt stays, forwards are counted, rows end when and why they say."""

from dataclasses import replace

import pytest
import torch
from small_worlds import decision, oracle, prediction, random_queries, sampler_state, transformer

from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.prediction import LogitProcessor
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rule import Plan, Remasking
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.rules.halting import MaxSteps, RunToCompletion
from adaptive_diffusion.rules.order import Random
from adaptive_diffusion.rules.pace import Ancestral, FixedCount, FixedSteps, Threshold
from adaptive_diffusion.rules.processor import Suppress, TopK, TopP
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import BeginAnew, LowProbability
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.slots import frozen
from adaptive_diffusion.sampling.step import apply

SETTLED, FIXED, STEP_LIMIT = int(HaltReason.ALL_COMMITTED), int(HaltReason.RULE), int(HaltReason.STEP_LIMIT)


class Counting(torch.nn.Module):
    """A denoiser that counts the forwards made for every query while it runs."""

    def __init__(self, inner, forwards=1):
        super().__init__()
        self.inner, self.forwards, self.counts, self.sequences = inner, forwards, {}, 0
        self.corruption, self.vocabulary = inner.corruption, inner.vocabulary
        self.width, self.memory, self.time_invariant = inner.width, None, False
        self.computes_all_blocks = True

    def evaluate(self, state):
        self.sequences += len(state.tokens)
        for query in state.query[state.running].tolist():
            self.counts[query] = self.counts.get(query, 0) + self.forwards
        return Evaluation(self.inner.evaluate(state).hidden, forwards=self.forwards)

    def logits(self, hidden):
        return self.inner.logits(hidden)


class EverythingEverywhere(Plan):
    """A plan that breaks bounds: writes all over the sequence, given tokens too, and never settles."""

    def __call__(self, state, prediction, candidate):
        everywhere = torch.ones_like(state.committed)
        return decision(state, write=everywhere, remask=everywhere & (state.step % 2 == 1)[:, None], renoise=everywhere)


SAMPLERS = {
    "one at a time": {},
    "ancestral": {"proposal": Draw(), "order": Random(), "pace": Ancestral(5)},
    "threshold with doubts": {"pace": Threshold(0.3), "remasking": LowProbability(0.3)},
    "stopped early": {"halting": MaxSteps(2)},
    "a plan that writes and remasks every position": {"plan": EverythingEverywhere()},
}


@pytest.mark.filterwarnings("ignore:.*revised nothing")
@pytest.mark.parametrize("loop", ["continuous", "frozen"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_the_prompt_is_never_written_and_every_forward_is_counted(name, loop):
    denoiser, queries = Counting(transformer()), random_queries(30, 9, 5)
    sampler = Sampler(denoiser, **SAMPLERS[name])
    options = {"loop": frozen} if loop == "frozen" else {}
    result = sampler.sample(queries, slots=8, max_steps=12, **options)
    assert torch.equal(result.answers[~queries.editable], queries.tokens[~queries.editable])
    assert (result.answers < 5).all()
    assert result.nfe.tolist() == [denoiser.counts[query] for query in result.query.tolist()]
    assert result.rows_forwarded == denoiser.sequences
    assert not (result.halt_reason == HaltReason.RUNNING).any()


def test_a_denoiser_that_takes_two_forwards_counts_two():
    result = Sampler(Counting(transformer(), forwards=2)).sample(random_queries(4, 9, 5))
    assert torch.equal(result.nfe, 2 * random_queries(4, 9, 5).editable.sum(1))


def test_one_token_a_step_takes_as_many_forwards_as_there_are_open_positions():
    queries = random_queries(20, 9, 5)
    result = Sampler(transformer(), pace=FixedCount(1)).sample(queries)
    assert torch.equal(result.nfe, queries.editable.sum(1))
    assert (result.halt_reason == SETTLED).all()


@pytest.mark.parametrize("steps", [1, 2, 4, 9])
def test_fixed_steps_end_full_at_their_last_step(steps):
    result = Sampler(transformer(), pace=FixedSteps(steps)).sample(random_queries(20, 9, 5, given=0.0))
    assert (result.nfe == steps).all()
    assert (result.halt_reason == SETTLED).all()


def test_a_query_with_nothing_open_answers_at_once():
    queries = Queries.of(torch.tensor([[1, 2, 0], [3, 3, 1]]), torch.tensor([[0, 0, 0], [1, 0, 0]]))
    result = Sampler(Counting(oracle(3, 3))).sample(queries, n=2)
    assert result.nfe.tolist() == [0, 0, 1, 1]
    assert result.answers[:2].tolist() == [[1, 2, 0], [1, 2, 0]]
    assert (result.halt_reason == SETTLED).all()
    assert result.why(0).startswith("every position is committed")
    for ask in (result.why, result.reason):
        with pytest.raises(ValueError, match=f"the result has no row 99; its rows are 0 to {len(result.nfe) - 1}"):
            ask(99)


def test_without_an_open_position_the_denoiser_is_not_called():
    denoiser = Counting(oracle(3, 3))
    result = Sampler(denoiser).sample(Queries.of(torch.tensor([[1, 2, 0]]), torch.zeros(1, 3)))
    assert denoiser.sequences == result.rows_forwarded == 0
    assert result.answers.tolist() == [[1, 2, 0]]


def test_no_queries_give_no_answers():
    result = Sampler(oracle(3, 3)).sample(random_queries(4, 3, 3).take(slice(0, 0)), n=3)
    assert result.answers.shape == (0, 3)


def test_at_the_step_limit_open_positions_are_filled_with_the_argmax():
    queries = random_queries(10, 9, 5, given=0.0)
    model = transformer()
    result = Sampler(model).sample(queries, max_steps=1)
    assert result.nfe.tolist() == [1] * 10
    assert result.halt_reason.tolist() == [STEP_LIMIT] * 10
    assert "step limit" in result.why(0)
    with torch.inference_mode():
        state = Sampler(model).begin(queries, torch.zeros_like(queries.ids), 0)
        argmax = model.logits(model.evaluate(state).hidden.flatten(0, 1)).argmax(-1).view(10, 9)
    assert torch.equal(result.answers, argmax)


def test_halting_precedes_the_step_limit_and_a_full_sequence_precedes_both():
    queries = Queries.of(torch.full((2, 3), 3), torch.tensor([[1, 1, 1], [1, 1, 0]]), first_id=1)
    queries = Queries(queries.ids, torch.where(queries.editable, 3, 0), queries.editable)
    result = Sampler(oracle(3, 3), halting=MaxSteps(2)).sample(queries, max_steps=2)
    assert result.halt_reason.tolist() == [FIXED, SETTLED]


@pytest.mark.parametrize("argument", ["n", "slots", "max_steps"])
def test_numbers_below_one_are_refused(argument):
    with pytest.raises(ValueError, match=f"{argument}=0; it must be at least 1"):
        Sampler(oracle()).sample(random_queries(1, 4, 3), **{argument: 0})


class MasksOnly(Remasking):
    corruptions = frozenset({"uniform"})

    def __call__(self, state, prediction, next_level):
        raise AssertionError


def test_a_rule_for_another_noise_is_refused_with_a_sentence():
    sentence = (
        "serves uniform corruption, but the denoiser was trained under absorbing noise; choose a rule for absorbing"
    )
    with pytest.raises(ValueError, match=sentence):
        Sampler(oracle(), remasking=MasksOnly())


class Never(LogitProcessor):
    """Forbids a token."""

    def __init__(self, token):
        self.token = token

    def __call__(self, logits, state, rows, positions):
        return logits.index_fill(1, torch.tensor([self.token]), float("-inf"))


@pytest.mark.parametrize("proposal", [{}, {"proposal": Draw(2.0)}])
def test_processors_change_what_is_read_and_drawn(proposal):
    queries = random_queries(30, 9, 5, given=0.0)
    assert (Sampler(transformer(), **proposal).sample(queries).answers == 4).any()
    assert not (Sampler(transformer(), processors=(Never(4),), **proposal).sample(queries).answers == 4).any()


@pytest.mark.parametrize("name", ["ancestral", "one at a time"])
def test_the_same_seed_gives_the_same_answers_and_another_seed_others_where_something_is_drawn(name):
    sampler, queries = Sampler(transformer(), **SAMPLERS[name]), random_queries(30, 9, 5)
    first, again, other = (sampler.sample(queries, seed=seed).answers for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (name == "one at a time")


def test_a_step_writes_eligible_positions_of_running_rows_and_nothing_else():
    state = sampler_state(
        [[9, 9, 1, 5], [9, 9, 1, 5]],
        committed=[[0, 0, 1, 0], [0, 0, 1, 0]],
        editable=[[1, 1, 1, 0], [1, 1, 1, 0]],
        halt_reason=torch.tensor([0, 1]),
    )
    everywhere = torch.ones_like(state.committed)
    running = torch.zeros_like(state.halt_reason)
    look = prediction((2, 4), confidence=torch.zeros(2, 4))
    look = replace(look, evaluation=replace(look.evaluation, forwards=3))
    after = apply(state, decision(state, write=everywhere), state, look, state.tokens, running)
    assert after.tokens.tolist() == [[0, 0, 0, 5], [9, 9, 1, 5]]
    assert after.committed.tolist() == [[True, True, True, False], [False, False, True, False]]
    assert after.commit_step.tolist() == [[0, 0, 0, -1], [-1, -1, -1, -1]]
    assert after.revisions.tolist() == [[0, 0, 1, 0], [0, 0, 0, 0]]
    assert after.nfe.tolist() == [3, 0]
    assert after.token_forwards.tolist() == [12, 0]
    assert after.step.tolist() == [1, 0]


def test_a_position_written_and_remasked_at_once_ends_open():
    state = sampler_state([[4, 5]], committed=[[1, 1]])
    remask = torch.tensor([[True, False]])
    both = decision(state, write=torch.tensor([[True, True]]), remask=remask, token=torch.tensor([[7, 5]]))
    look = prediction((1, 2), confidence=torch.zeros(1, 2))
    after = apply(state, both, state, look, state.tokens, torch.zeros_like(state.halt_reason))
    assert after.tokens.tolist() == [[9, 5]]
    assert after.committed.tolist() == [[False, True]]
    assert after.revisions.tolist() == [[1, 0]]  # writing the token that stands there already is no revision


def test_a_token_of_the_argmax_at_the_end_has_the_probability_of_the_argmax():
    """Written and kept, written and overruled, committed and kept, committed and overruled positions."""
    state = sampler_state([[9, 9, 4, 5]], committed=[[0, 0, 1, 1]], commit_probability=torch.full((1, 4), 0.25))
    write, argmax = torch.tensor([[True, True, False, False]]), torch.tensor([[7, 2, 4, 6]])
    made = decision(state, write=write, token=torch.tensor([[7, 1, 0, 0]]), probability=torch.full((1, 4), 0.125))
    look = prediction((1, 4), argmax=argmax, confidence=torch.full((1, 4), 0.5))
    after = apply(state, made, state, look, argmax, torch.full_like(state.halt_reason, HaltReason.RULE))
    assert torch.equal(after.tokens, argmax)
    assert after.commit_probability.tolist() == [[0.125, 0.5, 0.25, 0.5]]


def test_a_drafted_answer_is_looked_through_and_what_is_doubted_is_written_anew():
    denoiser, requested = transformer(vocabulary=5, length=9), random_queries(20, 9, 5, given=0.2)
    drafts = Queries(requested.ids, requested.tokens, requested.editable, requested.editable)
    retained = Sampler(denoiser).sample(drafts)
    assert torch.equal(retained.answers, drafts.tokens)  # a sampler that never revises only looks
    assert (retained.nfe == 1).all()
    doubting = Sampler(denoiser, pace=Threshold(0.5), remasking=LowProbability(0.3)).sample(drafts)
    assert doubting.revisions.any()
    assert torch.equal(doubting.answers[~requested.editable], requested.tokens[~requested.editable])


def test_only_the_drafted_part_begins_committed():
    requested = random_queries(20, 4, 3, given=0.0)
    half = torch.tensor([True, False, True, False]).expand(20, 4)
    answers = Sampler(oracle(3, 4)).sample(Queries(requested.ids, requested.tokens, requested.editable, half)).answers
    assert torch.equal(answers[half], requested.tokens[half])


@pytest.mark.parametrize("truncation", [TopK(1), TopP(0.8)])
def test_suppressing_what_a_truncation_left_is_refused(truncation):
    with pytest.raises(ValueError, match="put Suppress first"):
        Sampler(transformer(), processors=(truncation, Suppress((1,))))
    Sampler(transformer(), processors=(Suppress((1,)), truncation))


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"pace": None}, "pace must be an UnmaskingPace, not None"),
        ({"pace": Threshold}, "pace must be an UnmaskingPace, not <class"),
        ({"order": Threshold()}, "order must be an UnmaskingOrder, not Threshold"),
        ({"halting": "learned"}, "halting must be a Halting, not 'learned'; give an object, as in"),
        ({"limits": 3}, "limits must be a RevisionLimits, not 3"),
        ({"processors": 5}, "processors=5 must be a list"),
        ({"processors": [TopK]}, "each of processors must be a LogitProcessor"),
        ({"end_tokens": 3}, "end_tokens=3 must be a list"),
    ],
)
def test_a_part_of_another_kind_than_its_role_is_refused(part, sentence):
    with pytest.raises(ValueError, match=sentence):
        Sampler(transformer(), **part)


def test_answer_that_is_cut_off_while_tokens_are_taken_back_does_not_depend_on_what_other_rules_read():
    queries = Queries.of(torch.zeros(64, 9), torch.ones(64, 9))
    plain = Sampler(transformer(), proposal=Draw(), pace=FixedCount(3), remasking=BeginAnew())
    reading = replace(plain, halting=RunToCompletion())  # it reads committed positions and stops nothing
    one, other = (sampler.sample(queries, max_steps=4) for sampler in (plain, reading))
    assert set(one.halt_reason.tolist()) == {STEP_LIMIT}
    assert torch.equal(one.answers, other.answers)
