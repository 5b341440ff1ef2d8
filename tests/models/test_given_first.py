"""Reading given positions first: the order, and predictions that use what is given alone."""

import torch
from small_worlds import random_queries, sampler_state

from adaptive_diffusion.models.given_first import GivenFirstTransformer, reading_order
from adaptive_diffusion.models.positions import LearnedPositions, RelationalPositions, RotaryPositions

EDITABLE = torch.tensor([[True, False, True, False]])


def twin(positions):
    torch.manual_seed(0)
    return GivenFirstTransformer(5, positions, width=32, depth=2, heads=2).eval()


def all_positions():
    grid = [[place // 3, place % 3] for place in range(9)]
    return [LearnedPositions(grid), RelationalPositions(grid), RotaryPositions(grid)]


def test_given_positions_are_read_first_and_open_ones_from_left_to_right():
    rank, before = reading_order(EDITABLE)
    assert rank.tolist() == [[2, 0, 3, 1]]
    assert before.tolist() == [[3, 2, 0, 1]]


def test_logits_depend_on_exactly_the_tokens_that_come_before():
    queries = random_queries(6, 9, 5, seed=1, given=0.5)
    rank, _ = reading_order(queries.editable)
    for positions in all_positions():
        model = twin(positions)
        hidden = model.hidden(queries.tokens, queries.editable)
        for place in range(9):
            changed = queries.tokens.clone()
            changed[:, place] = (changed[:, place] + 1) % 5
            moved = (model.hidden(changed, queries.editable) - hidden).abs().amax(-1) > 1e-6
            assert torch.equal(moved, rank > rank[:, place : place + 1])


def test_order_of_given_positions_follows_each_row():
    """Two queries with other given positions in one batch have the hidden states that each has alone."""
    queries = random_queries(8, 9, 5, seed=2, given=0.5)
    for positions in all_positions():
        model = twin(positions)
        together = model.hidden(queries.tokens, queries.editable)
        for row in range(8):
            one = slice(row, row + 1)
            torch.testing.assert_close(model.hidden(queries.tokens[one], queries.editable[one]), together[one])


def test_without_given_positions_it_reads_from_left_to_right():
    """With nothing given, position i has read positions 0 to i − 1."""
    model = twin(LearnedPositions([[place] for place in range(4)]))
    tokens = torch.tensor([[1, 2, 3, 4]])
    everything = torch.ones_like(tokens, dtype=torch.bool)
    rank, before = reading_order(everything)
    assert rank.tolist() == [[0, 1, 2, 3]]
    assert before[:, 1:].tolist() == [[0, 1, 2]]
    state = sampler_state(tokens.tolist())
    assert torch.equal(model.evaluate(state).hidden, model.hidden(tokens, everything))
