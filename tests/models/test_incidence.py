"""Positions of the entries of an incidence matrix, whose tokens decide where they stand."""

from itertools import product

import pytest
import torch
from small_worlds import sampler_state, transformer

from adaptive_diffusion.models.given_first import GivenFirstTransformer
from adaptive_diffusion.models.incidence import IncidencePositions
from adaptive_diffusion.models.wrappers import TwicePositions

# Values x0 to x2 (tokens 0 to 2, negated 3 to 5, blank 6, mask 7) and a blank place, then two constraints of two.
SIZE = {"values": 3, "heading": 4, "length": 8, "entries": 2}
TOKENS = torch.tensor([[7, 1, 5, 6, 0, 4, 4, 6]])  # x0 open, x1, ¬x2; (x0 or ¬x1) and (¬x1 or nothing)
ROWS = [0, 0, 0, 0, 1, 1, 2, 2]
COLUMNS = ["x0", "x1", "x2", "none", "x0", "x1", "x1", "nothing"]


def different(a: torch.Tensor, b: torch.Tensor) -> bool:
    return bool((a - b).abs().max() > 1e-4)


def built(**changed) -> IncidencePositions:
    torch.manual_seed(0)
    positions = IncidencePositions(**SIZE | changed)
    positions.build(8, 2, depth=3)
    return positions


def test_two_places_are_related_by_row_column_and_kind():
    positions = built()
    bias = positions.bias(1, 8, positions.relate(TOKENS))
    assert bias.shape == (1, 2, 8, 8)
    for i, j in product(range(8), repeat=2):
        row, column = ROWS[i] == ROWS[j], COLUMNS[i] == COLUMNS[j]
        kind = (ROWS[i] == 0) == (ROWS[j] == 0)
        assert torch.equal(bias[0, :, i, j], positions.preference[1][:, row + 2 * column + 4 * kind])


def test_what_stands_in_the_line_of_values_changes_no_relation():
    positions = built()
    for token in range(8):
        changed = TOKENS.clone()
        changed[0, :4] = token
        assert torch.equal(positions.relate(changed), positions.relate(TOKENS))


def test_a_shorter_sequence_has_the_relations_of_its_places():
    positions = built()
    assert torch.equal(positions.relate(TOKENS[:, :6]), positions.relate(TOKENS)[:, :6, :6])


@torch.no_grad()
def test_the_order_of_constraints_and_entries_means_nothing():
    model = transformer(7, 10, positions=IncidencePositions(**SIZE | {"length": 10}))

    def read(*constraints: list[int]) -> torch.Tensor:
        tokens = [7, 1, 5, 6, *constraints[0], *constraints[1], *constraints[2]]
        return model.evaluate(sampler_state([tokens], editable=[[True] * 4 + [False] * 6])).hidden[0, :4]

    once = read([0, 4], [4, 6], [6, 6])
    torch.testing.assert_close(once, read([6, 6], [4, 0], [6, 4]), atol=1e-5, rtol=0)
    assert different(once, read([0, 4], [4, 4], [6, 6]))
    assert different(once, read([0, 6], [4, 4], [6, 6]))


def test_relations_of_many_places_begin_with_less_weight_each():
    positions = built(length=4 + 2 * 12)
    torch.manual_seed(0)
    super(IncidencePositions, positions).build(8, 2, depth=3)  # the same draws before
    drawn = torch.randn(3, 2, 8)
    # An entry has another one in its constraint; a value is named by 24 entries / 3 values; most share nothing.
    expected = torch.tensor([1.0, 1, 8, 1, 28, 2, 8, 1]).log()
    torch.testing.assert_close(drawn - positions.preference, expected.expand(3, 2, 8))


@torch.no_grad()
def test_the_twin_reads_the_same_relations_and_nothing_ahead():
    torch.manual_seed(0)
    twin = GivenFirstTransformer(7, IncidencePositions(**SIZE), width=16, depth=2, heads=2).eval()
    editable = torch.tensor([[True, True, True, False] + [False] * 4])
    before = twin.hidden(TOKENS, editable)
    ahead = TOKENS.clone()
    ahead[0, 2] = 2
    after = twin.hidden(ahead, editable)
    assert torch.equal(before[0, :3], after[0, :3])
    other = TOKENS.clone()
    other[0, 7] = 5
    assert not torch.allclose(before[0, :3], twin.hidden(other, editable)[0, :3], atol=1e-4)


def test_without_tokens_the_error_names_the_models_to_use():
    with pytest.raises(ValueError, match="use TransformerDenoiser or GivenFirstTransformer"):
        TwicePositions(built()).bias(0, 16)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"values": 0}, "0 values in a heading of 4 places"),
        ({"values": 5}, "values ≤ heading"),
        ({"length": 4}, "heading < length"),
        ({"length": 9}, "5 places behind the heading are no constraints of 2 entries"),
        ({"length": 1 << 20}, "length ≤ 4096"),
        ({"kinds": 0}, "numbers from 1 on"),
    ],
)
def test_sizes_that_cannot_be_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        IncidencePositions(**SIZE | changed)
