"""A row ends when an end token stands committed with nothing open before it."""

from types import MappingProxyType

import pytest
import torch
from small_worlds import sampler_state

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.rules.pace import FixedCount
from adaptive_diffusion.rules.plans.ddpd import PlannedDenoising
from adaptive_diffusion.rules.plans.psi import GreedyTail, PsiSampling
from adaptive_diffusion.rules.plans.uniform import PredictorCorrector, UniformPosterior, UniformRoutes
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.end_of_text import drop_behind_end, end_of_text
from adaptive_diffusion.sampling.restart import Restart
from adaptive_diffusion.sampling.sampler import Sampler

END, MASK = 2, 9


@pytest.mark.parametrize(
    ("tokens", "committed", "editable", "behind"),
    [
        ([1, END, MASK, MASK], [1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]),
        ([MASK, END, MASK, MASK], [0, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]),  # something before it is open
        ([1, END, 1, MASK], [1, 1, 1, 0], [1, 1, 1, 1], [0, 0, 1, 1]),
        ([END, END, 1, MASK], [0, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]),  # one that is given ends nothing
        ([END, MASK, 1, MASK], [0, 0, 1, 0], [0, 1, 1, 1], [0, 0, 0, 0]),
        ([1, END, 5, MASK], [1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 0, 1]),  # a given suffix stays
        ([END, 1, END, MASK], [1, 1, 1, 0], [1, 1, 1, 1], [0, 1, 1, 1]),
    ],
)
def test_positions_behind_the_end(tokens, committed, editable, behind):
    state = sampler_state([tokens], committed=[committed], editable=[editable])
    assert end_of_text(state, (END,))[0].int().tolist() == behind


def test_what_is_behind_the_end_is_filled_with_it_and_the_row_halts():
    state = sampler_state([[1, 3, 4, MASK], [1, 1, MASK, MASK]], committed=[[1, 1, 1, 0], [1, 1, 0, 0]])
    after = drop_behind_end(state, (END, 3))
    assert after.tokens.tolist() == [[1, 3, 3, 3], [1, 1, MASK, MASK]]
    assert after.committed.tolist() == [[True] * 4, [True, True, False, False]]
    assert after.halt_reason.tolist() == [HaltReason.ALL_COMMITTED, HaltReason.RUNNING]
    assert after.revisions.tolist() == [[0, 0, 1, 0], [0, 0, 0, 0]]
    assert drop_behind_end(state, ()) is state


class FromTheLeft(torch.nn.Module):
    """Predicts 0, 1, END, 0, 1, END, …, the more confidently the further to the left."""

    vocabulary = width = 3
    memory, time_invariant, computes_all_blocks, corruption = None, True, True, Absorbing(3)

    def evaluate(self, state):
        length = state.tokens.shape[1]
        sure = 2 + torch.arange(length, 0, -1) / length
        logits = torch.nn.functional.one_hot(torch.arange(length) % 3, 3) * sure[:, None]
        return Evaluation(logits.expand(len(state.tokens), -1, -1))

    def logits(self, hidden):
        return hidden


@pytest.mark.parametrize("length", [6, 12, 24])
@pytest.mark.parametrize("block_length", [None, 2, 4])
def test_forwards_depend_on_the_answer_and_not_on_the_given_length(length, block_length):
    queries = Queries.of(torch.zeros(3, length), torch.ones(3, length))
    sampler = Sampler(FromTheLeft(), pace=FixedCount(1), block_length=block_length)
    ended = sampler.with_rules(end_tokens=(END,)).sample(queries)
    assert ended.nfe.tolist() == [3] * 3
    assert ended.answers.tolist() == [[0, 1, *[END] * (length - 2)]] * 3
    assert (ended.halt_reason == int(HaltReason.ALL_COMMITTED)).all()
    assert (ended.log_probability > -1).all()
    assert sampler.sample(queries).nfe.tolist() == [length] * 3


class NeverEnding(torch.nn.Module):
    """Predicts token 0 everywhere, under uniform noise."""

    vocabulary = width = 3
    memory, time_invariant, computes_all_blocks = None, False, True
    corruption, heads = Uniform(3), MappingProxyType({})

    def evaluate(self, state):
        logits = torch.tensor([30.0, 0.0, 0.0]).expand(*state.tokens.shape, 3)
        planner = torch.zeros(state.tokens.shape, dtype=torch.float64)
        planned = torch.arange(state.tokens.shape[1]) == state.step[:, None] % state.tokens.shape[1]
        return Evaluation(logits, {"planner": planner, "planned": planned})

    def logits(self, hidden):
        return hidden


UNDER_UNIFORM_NOISE = [
    UniformPosterior(8),
    UniformRoutes(8),
    PredictorCorrector(8),
    PsiSampling(8),
    GreedyTail(UniformPosterior(7)),
    PlannedDenoising(8),
]


@pytest.mark.parametrize("plan", UNDER_UNIFORM_NOISE, ids=lambda plan: type(plan).__name__)
def test_an_end_token_that_is_noise_ends_nothing(plan):
    queries = Queries.of(torch.zeros(64, 8), torch.ones(64, 8))
    sampler = Sampler(NeverEnding(), plan=plan, proposal=Draw(), end_tokens=(END,))
    result = sampler.sample(queries)
    assert (result.nfe == 8).all()
    assert (result.answers == 0).all()


def test_behind_an_end_token_of_a_finished_row_nothing_stands_under_uniform_noise():
    queries = Queries.of(torch.zeros(8, 6), torch.ones(8, 6))
    model = NeverEnding()
    model.evaluate = lambda state: Evaluation(torch.eye(3)[[1, END, 0, 0, 1, 0]].expand(8, -1, -1) * 40)
    result = Sampler(model, plan=UniformPosterior(8), end_tokens=(END,)).sample(queries)
    assert result.answers.tolist() == [[1, *[END] * 5]] * 8


def test_a_row_that_ends_does_not_change_its_neighbours():
    queries = Queries.of(torch.tensor([[0] * 6, [END] * 6]), torch.tensor([[1] * 6, [0, 0, 1, 1, 0, 1]]))
    sampler = Sampler(FromTheLeft(), end_tokens=(END,), block_length=3)
    together = sampler.sample(queries)
    for row in range(2):
        alone = sampler.sample(queries.take(slice(row, row + 1)))
        assert torch.equal(alone.answers[0], together.answers[row])
        assert alone.nfe[0] == together.nfe[row]


def test_restarts_end_at_the_same_tokens():
    assert Restart(Sampler(FromTheLeft())).with_rules(end_tokens=(END,)).sampler.end_tokens == (END,)


def test_end_tokens_outside_the_vocabulary_are_refused():
    with pytest.raises(ValueError, match=r"end_tokens=\[3\] reach outside the vocabulary 0…2"):
        Sampler(FromTheLeft(), end_tokens=(3,))
