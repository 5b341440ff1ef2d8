"""Calls of a sampler with something else than it needs."""

import pytest
from small_worlds import oracle, random_queries

from adaptive_diffusion.sampling.sampler import Sampler


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Sampler("sudoku-6x6"), r"'sudoku-6x6' is no model; give one, such as ad\.load"),
        (lambda: Sampler(oracle()).sample("queries.txt"), r"'queries\.txt' is no Queries; give ad\.read_queries"),
        (
            lambda: Sampler(oracle()).sample(random_queries(1, 4, 3), seed=1.5),
            r"seed=1\.5 is no whole number; give one",
        ),
        (lambda: Sampler(oracle()).sample(random_queries(1, 4, 3), n=None), "n=None is no whole number"),
    ],
)
def test_what_is_no_model_no_queries_or_no_number_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
