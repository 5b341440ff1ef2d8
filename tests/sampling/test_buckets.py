"""Length buckets: what is cut off costs nothing, and company changes nothing."""

import pytest
import torch
from small_worlds import questions, transformer

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.buckets import Buckets
from adaptive_diffusion.sampling.sampler import Sampler

PAD, LENGTH = 4, 12
LOOP = Buckets((4, 8, 12), PAD)


def ragged(count=9):
    """Queries of 1 to 12 tokens, filled up with padding."""
    full = questions(count, LENGTH, PAD)
    own = torch.arange(count) % LENGTH + 1
    inside = torch.arange(LENGTH) < own[:, None]
    return Queries(full.ids, full.tokens.where(inside, PAD), full.editable & inside), own


def sampler():
    return Sampler(transformer(vocabulary=5, length=LENGTH), proposal=Draw())


def test_the_bucket_is_the_shortest_that_holds_the_query_whatever_its_company():
    queries, own = ragged()
    queries = Queries(queries.ids, queries.tokens, queries.editable | (torch.arange(LENGTH) == own[:, None] - 1))
    assert LOOP.bucket(queries).tolist() == [4] * 4 + [8] * 4 + [12]
    assert LOOP.bucket(queries.take(slice(5, 6))).tolist() == [8]


def test_given_tokens_behind_the_last_editable_one_belong_to_the_query():
    tokens = torch.tensor([[1, 1, 1, 1, 2] + [PAD] * 7])
    editable = torch.zeros_like(tokens).bool()
    editable[0, 0] = True
    assert LOOP.bucket(Queries.of(tokens, editable)).tolist() == [8]


def test_a_query_is_answered_in_any_company_as_it_is_alone():
    queries, _ = ragged()
    together = sampler().sample(queries, n=2, slots=5, loop=LOOP)
    for index in range(len(queries)):
        alone = sampler().sample(queries.take(slice(index, index + 1)), n=2, loop=LOOP)
        assert torch.equal(together.answers[2 * index : 2 * index + 2], alone.answers)
    assert (together.answers[~queries.editable.repeat_interleave(2, 0)] != 5).all()


def test_one_bucket_of_the_full_length_changes_nothing():
    queries, _ = ragged()
    plain = sampler().sample(queries)
    assert torch.equal(sampler().sample(queries, loop=Buckets((LENGTH,), PAD)).answers, plain.answers)


def test_short_queries_are_forwarded_short():
    lengths = []
    sampler().sample(ragged()[0], loop=LOOP, observers=[lambda step: lengths.append(step.before.tokens.shape[1])])
    assert set(lengths) == {4, 8, 12}


def test_a_query_that_no_bucket_holds_is_refused():
    with pytest.raises(ValueError, match="a query of 12 tokens fits none of the buckets \\[4, 8\\]"):
        sampler().sample(questions(2, LENGTH, PAD, given=0.0), loop=Buckets((8, 4), PAD))
