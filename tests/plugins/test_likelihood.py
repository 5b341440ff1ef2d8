"""The estimate of a completion's likelihood, compared with enumeration."""

from dataclasses import replace

import pytest
import torch
from small_worlds import oracle, random_queries, table

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.schedule import Cosine, Linear
from adaptive_diffusion.models.oracle import OracleDenoiser
from adaptive_diffusion.plugins.likelihood import completion_bound


def truth(queries):
    """[N] −log p(completion | given) by enumeration."""
    p = table()
    joint = torch.stack([p[tuple(row)] for row in queries.tokens])
    given = [
        p[tuple(slice(None) if free else int(token) for token, free in zip(row, editable, strict=True))].sum()
        for row, editable in zip(queries.tokens, queries.editable, strict=True)
    ]
    return -(joint / torch.stack(given)).log()


def test_bound_of_an_exact_denoiser_is_the_likelihood_under_masks():
    queries = random_queries(6, 4, 3)
    bound = completion_bound(oracle(), queries, draws=1500).nats
    torch.testing.assert_close(bound, truth(queries), atol=0.12, rtol=0)


def test_each_draw_is_exact_for_a_completion_of_one_token():
    tokens = torch.tensor([[0, 1, 2, 1], [2, 2, 0, 1]])
    queries = Queries.of(tokens, torch.tensor([[False, True, False, False], [False, False, False, True]]))
    torch.testing.assert_close(completion_bound(oracle(), queries, draws=1).nats, truth(queries))


def test_completion_without_a_token_has_no_nats():
    queries = Queries.of(torch.tensor([[0, 1, 2, 1], [2, 2, 0, 1]]), torch.tensor([[0, 0, 0, 0], [0, 0, 0, 1]]))
    bounds = completion_bound(oracle(), queries, draws=2)
    assert not bounds.faults
    torch.testing.assert_close(bounds.nats, torch.stack([torch.zeros(()).double(), truth(queries)[1]]))


@pytest.mark.parametrize("schedule", [Linear(), Cosine()])
def test_denoiser_is_shown_the_level_at_which_so_many_tokens_are_masked(schedule):
    seen, exact = [], OracleDenoiser.of_table(table(), Absorbing(3, schedule))

    class Noting:
        """The exact denoiser; it notes the share of masks that its levels stand for, and the share that it sees."""

        corruption, vocabulary, width = exact.corruption, exact.vocabulary, exact.width
        memory, time_invariant, computes_all_blocks = None, True, True
        logits = staticmethod(exact.logits)

        def evaluate(self, state):
            seen.append((1 - schedule.alpha(state.noise_level), state.open.double().mean(1)))
            return exact.evaluate(state)

    completion_bound(Noting(), Queries.of(torch.zeros(5, 4, dtype=torch.int64), torch.ones(5, 4)), draws=3)
    levels, shares = (torch.cat(part) for part in zip(*seen, strict=True))
    torch.testing.assert_close(levels, shares)


def test_denoiser_for_uniform_noise_is_refused():
    denoiser = OracleDenoiser.of_table(table(), Uniform(3))
    with pytest.raises(ValueError, match="under masks"):
        completion_bound(denoiser, random_queries(1, 4, 3))


def test_estimate_depends_neither_on_slots_nor_on_neighbours():
    queries = random_queries(5, 4, 3)
    together = completion_bound(oracle(), queries, draws=4, slots=5).nats
    assert torch.equal(completion_bound(oracle(), queries, draws=4, slots=2).nats, together)
    assert torch.equal(completion_bound(oracle(), queries.take(slice(3, 4)), draws=4).nats, together[3:4])


def test_number_of_draws_below_one_is_refused():
    with pytest.raises(ValueError, match="draws=0"):
        completion_bound(oracle(), random_queries(1, 4, 3), draws=0)


class Faulty:
    """An exact denoiser that fails in rows that begin with token 2: it raises, or predicts NaN."""

    memory, time_invariant, computes_all_blocks = None, False, True

    def __init__(self, error=None):
        self.inner, self.error = oracle(), error
        self.corruption, self.vocabulary = self.inner.corruption, self.inner.vocabulary

    def evaluate(self, state):
        evaluation = self.inner.evaluate(state)
        faulty = state.tokens[:, 0] == 2
        if self.error is not None and faulty.any():
            raise self.error
        return replace(evaluation, hidden=evaluation.hidden.masked_fill(faulty[:, None, None], torch.nan))

    def logits(self, hidden):
        return self.inner.logits(hidden)


FIRST_GIVEN = Queries.of(
    torch.tensor([[0, 1, 2, 1], [2, 2, 0, 1], [1, 0, 0, 2], [0, 2, 1, 1]]),
    torch.tensor([[False, True, True, True]] * 4),
)


@pytest.mark.parametrize(("error", "reason"), [(None, "not numbers"), (RuntimeError("too long"), "too long")])
def test_faulty_row_ends_alone_with_its_reason(error, reason):
    sound = completion_bound(oracle(), FIRST_GIVEN, draws=3).nats
    found = completion_bound(Faulty(error), FIRST_GIVEN, draws=3)
    assert set(found.faults) == {1}
    assert reason in found.faults[1]
    assert found.nats[1] == torch.inf
    others = torch.tensor([0, 2, 3])
    assert torch.equal(found.nats[others], sound[others])


def test_error_in_every_row_is_raised():
    with pytest.raises(RuntimeError, match="too long"):
        completion_bound(Faulty(RuntimeError("too long")), FIRST_GIVEN.take(slice(1, 2)), draws=3)


def test_lack_of_memory_is_no_fault_of_a_row():
    with pytest.raises(MemoryError):
        completion_bound(Faulty(MemoryError()), FIRST_GIVEN, draws=3)
