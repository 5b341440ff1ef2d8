"""Surprisal by the definition, entropy by hand."""

import math

import pytest
import torch

from adaptive_diffusion.evaluation.reference_model import nll_bits, unigram_entropy
from adaptive_diffusion.models.autoregressive import AutoregressiveTransformer
from adaptive_diffusion.models.positions import RotaryPositions

K = 5


@pytest.fixture
def reference():
    torch.manual_seed(0)
    return AutoregressiveTransformer(K, RotaryPositions.line(8), width=16, depth=1, heads=2).eval()


def test_surprisal_is_that_of_the_next_token(reference):
    tokens = torch.randint(K, (3, 8))
    bits = nll_bits(reference, tokens, context=8, rows=2)
    with torch.no_grad():
        log_p = reference.logits(reference.hidden(tokens)).log_softmax(-1)
    expected = -log_p.gather(-1, tokens[..., None])[..., 0] / math.log(2)
    torch.testing.assert_close(bits, expected)


@pytest.mark.parametrize("length", [8, 9, 12, 13, 20, 21])
def test_every_token_of_a_long_text_is_scored_with_a_context(reference, length):
    tokens = torch.randint(K, (2, length))
    bits = nll_bits(reference, tokens, context=8)
    assert (bits > 0).all()
    differs = nll_bits(reference, changed(tokens, 4), context=8) != bits
    assert not differs[:, :4].any()
    assert differs[:, 5:8].all()
    assert not differs[:, 12:].any()


@pytest.mark.parametrize("context", [3, 5, 7])
def test_windows_of_an_odd_length_give_every_token_more_than_half_of_it(reference, context):
    tokens = torch.randint(K, (1, 20))
    bits = nll_bits(reference, tokens, context)
    for place in range(context, 20):
        before = place - torch.arange(1, context)
        reached = [nll_bits(reference, changed(tokens, at), context)[0, place] != bits[0, place] for at in before]
        assert sum(reached) >= context - context // 2


def changed(tokens, place):
    """The tokens with another one at a place."""
    other = tokens.clone()
    other[:, place] = (other[:, place] + 1) % K
    return other


def test_entropy_of_how_often_tokens_stand():
    assert unigram_entropy(torch.tensor([[1, 1, 2, 2], [3, 3, 3, 3]])).tolist() == [1.0, 0.0]
