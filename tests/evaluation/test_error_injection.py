"""Planted mistakes: as many as given, always wrong, and what became of them."""

import torch
from small_worlds import random_queries

from adaptive_diffusion.evaluation.error_injection import Repair, planted


def test_the_given_number_of_wrong_tokens_is_planted_at_editable_positions_only():
    asked = random_queries(200, 9, 5, given=0.6)
    truth = asked.tokens
    for count in (0, 1, 4):
        drafts = planted(asked, truth, count, vocabulary=5)
        wrong = drafts.tokens != truth
        assert not (wrong & ~asked.editable).any()
        assert torch.equal(wrong.sum(1), asked.editable.sum(1).clamp(max=count))
        assert torch.equal(drafts.start[1], asked.editable)


def test_planting_is_keyed_by_query_and_uniform_over_wrong_tokens():
    asked = random_queries(3000, 4, 3, given=0.0)
    drafts = planted(asked, asked.tokens, 1, vocabulary=3)
    one = planted(asked.take(slice(7, 8)), asked.tokens[7:8], 1, vocabulary=3)
    assert torch.equal(one.tokens[0], drafts.tokens[7])
    wrong = drafts.tokens != asked.tokens
    assert (wrong.double().mean(0) - 0.25).abs().max() < 5 * 0.44 / 3000**0.5
    shift = ((drafts.tokens - asked.tokens) % 3)[wrong]
    assert abs((shift == 1).double().mean() - 0.5) < 5 * 0.5 / 3000**0.5


def test_repairs_and_breakages_are_counted_apart():
    asked = random_queries(1, 4, 5, given=0.0)
    truth = torch.tensor([[0, 1, 2, 3]])
    drafts = planted(asked, truth, 0, vocabulary=5)
    drafts = type(drafts)(drafts.ids, torch.tensor([[4, 4, 2, 3]]), drafts.editable, drafts.editable)
    outcome = Repair.of(drafts, truth, torch.tensor([[0, 3, 2, 0]]))
    assert not outcome.exact.any()
    assert [int(part) for part in (outcome.found, outcome.right, outcome.broken)] == [2, 1, 1]
    assert outcome.kept.all()
    assert Repair.of(drafts, truth, truth).exact.all()
