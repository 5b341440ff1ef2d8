"""Attention written out equals the fused kernel."""

import pytest
import torch
from torch.nn import functional as F

from adaptive_diffusion.models.attention import attention


def inputs(dtype):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 3, 7, 8, generator=generator).to(dtype).requires_grad_() for _ in range(3)]


MASKS = {"all seen": None, "padded": (torch.arange(7) < torch.tensor([[7], [4]]))[:, None, None, :]}


@pytest.mark.parametrize("name", MASKS)
def test_the_path_written_out_for_training_equals_the_fused_one(name):
    query, key, value = inputs(torch.bfloat16)
    written = attention(query, key, value, MASKS[name])
    exact = F.scaled_dot_product_attention(*(x.float() for x in (query, key, value)), attn_mask=MASKS[name])
    torch.testing.assert_close(written.float(), exact, rtol=0, atol=2e-2)
    with torch.no_grad():
        fused = attention(query, key, value, MASKS[name])
    torch.testing.assert_close(written, fused, rtol=0, atol=3e-2)
    slopes = torch.autograd.grad(written.float().square().sum(), (query, key, value))
    exact_slopes = torch.autograd.grad(exact.square().sum(), (query, key, value))
    for slope, expected in zip(slopes, exact_slopes, strict=True):
        torch.testing.assert_close(slope.float(), expected.float(), rtol=0.05, atol=0.05)


def test_float32_takes_the_fused_kernel():
    query, key, value = inputs(torch.float32)
    assert torch.equal(attention(query, key, value, None), F.scaled_dot_product_attention(query, key, value))


def test_keys_that_are_not_seen_change_nothing():
    query, key, value = inputs(torch.float32)
    other = torch.where(MASKS["padded"].transpose(-1, -2), value, value + 100)
    mask = MASKS["padded"]
    torch.testing.assert_close(attention(query, key, value, mask), attention(query, key, other, mask))


@pytest.mark.parametrize("name", MASKS)
def test_a_bias_is_added_to_the_scores_in_training_and_out_of_it(name):
    query, key, value = inputs(torch.float32)
    bias = torch.randn(3, 7, 7, generator=torch.Generator().manual_seed(1), requires_grad=True)
    seen = torch.ones(2, 1, 7, 7, dtype=torch.bool) if MASKS[name] is None else MASKS[name].expand(2, 1, 7, 7)
    score = (query @ key.transpose(-2, -1) / 8**0.5 + bias).masked_fill(~seen, -torch.inf)
    expected = score.softmax(-1) @ value
    learning = attention(query, key, value, MASKS[name], bias)
    torch.testing.assert_close(learning, expected)
    with torch.no_grad():
        torch.testing.assert_close(attention(query, key, value, MASKS[name], bias), expected)
    slopes = [torch.autograd.grad(mixed.square().sum(), (query, bias)) for mixed in (learning, expected)]
    torch.testing.assert_close(*slopes)
