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
    moved = tokens.clone()
    moved[:, 4] = (moved[:, 4] + 1) % K
    changed = nll_bits(reference, moved, context=8) != bits
    assert not changed[:, :4].any()
    assert changed[:, 5:8].all()
    assert not changed[:, 12:].any()


def test_entropy_of_how_often_tokens_stand():
    assert unigram_entropy(torch.tensor([[1, 1, 2, 2], [3, 3, 3, 3]])).tolist() == [1.0, 0.0]
