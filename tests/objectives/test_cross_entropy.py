"""Chunked cross-entropy beside the plain one."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from adaptive_diffusion.objectives import cross_entropy as module
from adaptive_diffusion.objectives.cross_entropy import cross_entropy

K, WIDTH, POSITIONS = 50, 8, 37


@pytest.fixture
def problem():
    torch.manual_seed(0)
    head = nn.Linear(WIDTH, K)
    unused = nn.Parameter(torch.ones(3))
    hidden = torch.randn(POSITIONS, WIDTH, requires_grad=True)
    return head, unused, hidden, torch.randint(K, (POSITIONS,)), torch.rand(POSITIONS)


def gradients(loss, head, hidden):
    return torch.autograd.grad(loss, [hidden, *head.parameters()])


@pytest.mark.parametrize("height", [1, 5, 36, 37, 1000])
def test_chunks_give_the_loss_and_the_gradients_of_one_pass(problem, height, monkeypatch):
    head, unused, hidden, clean, weight = problem
    plain = (F.cross_entropy(head(hidden), clean, reduction="none") * weight).sum()
    monkeypatch.setattr(module, "CHUNK", height * K)
    ours = cross_entropy(head, [*head.parameters(), unused], hidden, clean, weight, K)
    torch.testing.assert_close(ours, plain, rtol=1e-6, atol=0)
    expected = gradients(3 * plain, head, hidden)
    for mine, theirs in zip(gradients(3 * ours, head, hidden), expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)


def test_no_more_than_a_chunk_of_logits_exists_at_once(problem, monkeypatch):
    head, _, hidden, clean, weight = problem
    heights = []

    def watched(part):
        heights.append(len(part))
        return head(part)

    monkeypatch.setattr(module, "CHUNK", 10 * K)
    cross_entropy(watched, list(head.parameters()), hidden, clean, weight, K).backward()
    assert heights == [10, 10, 10, 7]


def test_what_is_frozen_gets_no_gradient_and_costs_none(problem, monkeypatch):
    head, _, hidden, clean, weight = problem
    monkeypatch.setattr(module, "CHUNK", 10 * K)
    head.requires_grad_(False)
    cross_entropy(head, list(head.parameters()), hidden, clean, weight, K).backward()
    assert head.weight.grad is None
    assert hidden.grad is not None
    with torch.no_grad():
        assert not cross_entropy(head, list(head.parameters()), hidden, clean, weight, K).requires_grad
