"""Tokens that are pairs of a kind and a value."""

import pytest
import torch
from small_worlds import transformer

from adaptive_diffusion.models.factored import FactoredEmbedding, FactoredLinear


def test_the_embedding_of_a_pair_is_the_sum_of_its_parts():
    embedding = FactoredEmbedding(count=8, width=4, kinds=2, values=3)
    kind, value, other = embedding.parts.weight.split([2, 3, 2])
    expected = [kind[0] + value[0], kind[0] + value[1], kind[0] + value[2]]
    expected += [kind[1] + value[0], kind[1] + value[1], kind[1] + value[2], other[0], other[1]]
    assert torch.equal(embedding(torch.arange(8)), torch.stack(expected))
    assert torch.equal(embedding.weight, torch.stack(expected))
    assert embedding(torch.tensor([[7, 0]])).shape == (1, 2, 4)


def test_the_logit_of_a_pair_is_the_sum_of_its_parts():
    linear = FactoredLinear(width=4, count=7, kinds=2, values=3)
    hidden = torch.randn(5, 4)
    kind, value, other = linear.parts(hidden).split([2, 3, 1], -1)
    logits = linear(hidden)
    assert logits.shape == (5, 7)
    for k in range(2):
        for v in range(3):
            assert torch.equal(logits[:, 3 * k + v], kind[:, k] + value[:, v])
    assert torch.equal(logits[:, 6:], other)


def test_what_is_learned_of_one_pair_moves_the_other_values_of_its_kind():
    embedding = FactoredEmbedding(count=8, width=4, kinds=2, values=3)
    embedding(torch.tensor([0])).sum().backward()
    with torch.no_grad():
        before = embedding.weight.clone()
        embedding.parts.weight -= embedding.parts.weight.grad
        moved = (embedding.weight - before).abs().sum(1)
    assert moved.tolist() == pytest.approx([8, 4, 4, 4, 0, 0, 0, 0], abs=1e-5)


def test_a_transformer_of_pairs_has_their_embeddings_and_logits():
    model = transformer(7, 9, factors=(2, 3))
    assert model.tokens.weight.shape == (8, 32)  # the mask is one more
    assert model.logits(torch.zeros(2, 32)).shape == (2, 7)
    assert model.width == 32


@pytest.mark.parametrize(("kinds", "values"), [(0, 3), (2, 0), (2, 4)])
def test_factors_of_more_pairs_than_tokens_are_refused(kinds, values):
    with pytest.raises(ValueError, match=f"{kinds} kinds of {values} values are no pairs among 7 tokens"):
        FactoredLinear(4, 7, kinds, values)
