"""The estimate of a completion's likelihood, beside what enumeration says."""

import pytest
import torch
from small_worlds import oracle, random_queries, table

from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.oracle import OracleDenoiser
from adaptive_diffusion.plugins.likelihood import completion_bound


def truth(queries):
    """[N] −log p(completion | given) by enumeration."""
    p = table()
    whole = torch.stack([p[tuple(row)] for row in queries.tokens])
    given = [
        p[tuple(slice(None) if free else int(token) for token, free in zip(row, editable, strict=True))].sum()
        for row, editable in zip(queries.tokens, queries.editable, strict=True)
    ]
    return -(whole / torch.stack(given)).log()


def test_of_an_exact_denoiser_the_bound_is_the_likelihood_under_masks():
    queries = random_queries(6, 4, 3)
    bound = completion_bound(oracle(), queries, draws=1500)
    torch.testing.assert_close(bound, truth(queries), atol=0.12, rtol=0)


def test_of_one_masked_token_every_single_draw_is_exact():
    tokens = torch.tensor([[0, 1, 2, 1], [2, 2, 0, 1]])
    queries = Queries.of(tokens, torch.tensor([[False, True, False, False], [False, False, False, True]]))
    torch.testing.assert_close(completion_bound(oracle(), queries, draws=1), truth(queries))


def test_another_noise_than_masks_is_refused():
    denoiser = OracleDenoiser.of_table(table(), Uniform(3))
    with pytest.raises(ValueError, match="under masks"):
        completion_bound(denoiser, random_queries(1, 4, 3))


def test_it_does_not_depend_on_the_slots_nor_on_the_neighbours():
    queries = random_queries(5, 4, 3)
    together = completion_bound(oracle(), queries, draws=4, slots=5)
    assert torch.equal(completion_bound(oracle(), queries, draws=4, slots=2), together)
    assert torch.equal(completion_bound(oracle(), queries.take(slice(3, 4)), draws=4), together[3:4])


def test_no_draws_are_refused():
    with pytest.raises(ValueError, match="draws=0"):
        completion_bound(oracle(), random_queries(1, 4, 3), draws=0)
