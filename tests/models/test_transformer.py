"""The transformer: shapes, and that a sequence is read the same whoever stands beside it."""

import pytest
import torch
from small_worlds import sampler_state, transformer

from adaptive_diffusion.models.incidence import IncidencePositions
from adaptive_diffusion.models.positions import (
    EvenRelationalPositions,
    LearnedPositions,
    OffsetPositions,
    RelationalPositions,
    RotaryPositions,
)
from adaptive_diffusion.models.transformer import TransformerDenoiser

GRID = [[i // 3, i % 3, i // 3 // 2] for i in range(9)]


def sequences(rows=64, length=9, vocabulary=5):
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(vocabulary + 1, (rows, length), generator=generator)
    committed = (torch.rand(rows, length, generator=generator) < 0.5).tolist()
    editable = (torch.rand(rows, length, generator=generator) < 0.7).tolist()
    return sampler_state(tokens.tolist(), committed, editable, noise_level=torch.linspace(0, 1, rows).double())


def different(a, b):
    return (a - b).abs().max() > 1e-4


MODELS = {
    "learned": {},
    "rotary": {"positions": RotaryPositions([[i] for i in range(9)])},
    "grid": {"positions": LearnedPositions(GRID)},
    "relational": {"positions": RelationalPositions(GRID)},
    "even": {"positions": EvenRelationalPositions(GRID)},
    "offsets": {"positions": OffsetPositions(GRID)},
    "incidence": {"positions": IncidencePositions(values=2, heading=3, length=9)},
    "looped and timed": {"loops": 2, "time_conditioning": True},
    "without status": {"status": False},
}


@torch.no_grad()
@pytest.mark.parametrize("name", MODELS)
def test_a_sequence_is_read_the_same_alone_and_among_sixty_four(name):
    model, state = transformer(**MODELS[name]), sequences()
    together = model.evaluate(state).hidden
    assert together.shape == (64, 9, 32)
    for rows in ([0], [63], list(range(10, 17)), list(range(63, -1, -1))):
        index = torch.tensor(rows)
        assert torch.equal(model.evaluate(state.take(index)).hidden, together[index])


@torch.no_grad()
def test_logits_of_packed_positions_do_not_depend_on_who_is_packed_along():
    model = transformer()
    hidden = model.evaluate(sequences()).hidden.flatten(0, 1)
    complete = model.logits(hidden)
    assert complete.shape == (576, 5)
    assert complete.dtype == torch.float32
    for count in (32, 64, 320):
        index = torch.arange(count) * 7 % 576
        assert torch.equal(model.logits(hidden[index]), complete[index])


@torch.no_grad()
@pytest.mark.parametrize("coordinates", [1, 2, 3])
@pytest.mark.parametrize("kind", [LearnedPositions, RotaryPositions])
def test_every_coordinate_changes_the_hidden_states(kind, coordinates):
    places = [place[-coordinates:] for place in [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]]
    model = transformer(length=4, positions=kind(places))
    hidden = model.evaluate(sampler_state([[0, 1, 2, 3], [0, 2, 1, 3], [0, 1, 3, 2]])).hidden
    if coordinates == 3:  # places 1 and 2 differ in the first two coordinates, 2 and 3 in the last two
        assert different(hidden[0, 0], hidden[1, 0])
    assert different(hidden[0, 0], hidden[2, 0])


@torch.no_grad()
def test_without_places_the_order_would_not_matter():
    model = transformer(length=3, positions=LearnedPositions([[0], [0], [0]]))
    hidden = model.evaluate(sampler_state([[0, 1, 2], [0, 2, 1]])).hidden
    torch.testing.assert_close(hidden[0, 0], hidden[1, 0])


@pytest.mark.parametrize("kind", [LearnedPositions, RotaryPositions])
def test_a_sequence_longer_than_the_places_is_named(kind):
    model = transformer(length=4, positions=kind([[i] for i in range(4)]))
    assert model.evaluate(sampler_state([[0, 1, 2]])).hidden.shape == (1, 3, 32)
    with pytest.raises(ValueError, match="sequence of 5 positions is longer than the 4 places"):
        model.evaluate(sampler_state([[0] * 5]))


@pytest.mark.parametrize("coordinates", [[], [[-1]], [[]]])
def test_coordinates_that_are_none_are_refused(coordinates):
    with pytest.raises(ValueError, match="non-negative integers"):
        LearnedPositions(coordinates)


def test_a_bias_stands_for_the_coordinates_that_two_places_share():
    positions = RelationalPositions([[0, 0], [0, 1], [1, 1]])
    positions.build(8, 2, depth=3)
    for layer in range(3):
        apart, row, column, same = positions.preference[layer].T
        expected = torch.stack([same, row, apart, row, same, column, apart, column, same], -1).unflatten(-1, (3, 3))
        assert torch.equal(positions.bias(layer, 3), expected)
    assert torch.equal(positions.bias(1, 2), positions.bias(1, 3)[:, :2, :2])


def test_entries_of_a_matrix_differ_in_row_column_and_diagonal():
    positions = RelationalPositions.matrix(3)
    assert positions.coordinates.tolist() == [[r, c, int(r == c)] for r in range(3) for c in range(3)]


def test_relations_of_many_places_begin_with_less_weight_each():
    positions = [kind.matrix(3) for kind in (RelationalPositions, EvenRelationalPositions)]
    for each in positions:
        torch.manual_seed(0)
        each.build(8, 2, depth=3)
    usual, even = (each.preference for each in positions)
    # Of 81 pairs, 12 share nothing (one is on the diagonal), 24 only that both or neither are on it, and 9 are equal.
    pairs = torch.bincount(positions[1].relation.flatten(), minlength=8)
    assert pairs.tolist() == [12, 12, 12, 0, 24, 6, 6, 9]
    lowered = (usual - even)[:, :, pairs > 0]
    assert torch.allclose(lowered, pairs[pairs > 0].log().expand_as(lowered))


@pytest.mark.parametrize(("reach", "count"), [(1 << 10, 5 * 7), (1, 3 * 3)])
def test_a_bias_stands_for_the_offset_between_two_places(reach, count):
    positions = OffsetPositions.cells(3, 4, reach)
    positions.build(8, 2, depth=2)
    assert positions.preference.shape == (2, 2, count)
    bias = positions.bias(1, 12).unflatten(-1, (3, 4)).unflatten(1, (3, 4))
    for row, column in ((0, 1), (1, 0), (-1, 1)):  # every pair of cells with one offset has the same bias
        inner = bias[:, 1, 1:3] if abs(row) else bias[:, :2, 1:3].flatten(1, 2)
        here = torch.tensor([[1, 1], [1, 2]]) if abs(row) else torch.cartesian_prod(torch.arange(2), torch.arange(1, 3))
        found = torch.stack([inner[:, i, r + row, c + column] for i, (r, c) in enumerate(here.tolist())], -1)
        assert (found == found[:, :1]).all()
    right, left, far = bias[:, 1, 1, 1, 2], bias[:, 1, 1, 1, 0], bias[:, 1, 0, 1, 3]
    assert different(right, left)
    assert torch.equal(right, far) == (reach == 1)


def test_reach_and_number_of_offsets_are_limited():
    with pytest.raises(ValueError, match="reach must be at least 1, not 0"):
        OffsetPositions(GRID, reach=0)
    with pytest.raises(ValueError, match="offsets are more than a table should have"):
        OffsetPositions([[0, 0, 0], [500, 500, 500]]).build(8, 2)


def test_too_many_coordinates_for_a_table_of_relations_are_refused():
    with pytest.raises(ValueError, match="9 coordinates have 2\\^9 relations"):
        RelationalPositions([[0] * 9]).build(8, 2)


def test_too_many_rotary_coordinates_for_a_head_are_refused():
    with pytest.raises(ValueError, match="head of width 4 has no room for 3 rotary coordinates"):
        transformer(width=16, heads=4, positions=RotaryPositions([[0, 0, 0]]))


def test_rotary_scores_depend_on_the_distance_alone():
    positions = RotaryPositions([[i] for i in range(12)])
    positions.build(16, 1)
    query, key = torch.randn(1, 1, 1, 16).expand(1, 1, 12, 16), torch.randn(1, 1, 1, 16).expand(1, 1, 12, 16)
    score = positions.rotate(query)[0, 0] @ positions.rotate(key)[0, 0].T
    for shift in range(-11, 12):
        along = score.diagonal(shift)
        torch.testing.assert_close(along, along[:1].expand_as(along), rtol=1e-4, atol=1e-4)
    assert different(score[0, 0], score[0, 5])


def test_rotations_keep_lengths_and_leave_the_rest_of_the_head_alone():
    positions = RotaryPositions([[i, i] for i in range(5)])
    positions.build(18, 1)  # 18 // 2 = 9, of which 8 turn: two coordinates of 8, and 2 features left over
    x = torch.randn(2, 1, 5, 18)
    turned = positions.rotate(x)
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(turned[..., 16:], x[..., 16:])
    torch.testing.assert_close(turned[:, :, 0], x[:, :, 0])


def test_a_rotation_by_hand():
    positions = RotaryPositions([[0], [1]], base=100.0)
    positions.build(4, 1)
    turned = positions.rotate(torch.tensor([[[[1.0, 0.0, 1.0, 0.0]] * 2]]))[0, 0, 1]
    one, tenth = torch.tensor(1.0), torch.tensor(0.1)  # 100^(−0/4·2) and 100^(−2/4)
    torch.testing.assert_close(turned, torch.stack([one.cos(), one.sin(), tenth.cos(), tenth.sin()]))


@torch.no_grad()
def test_loops_repeat_the_trunk_with_the_same_weights():
    once, twice = transformer(depth=1), transformer(depth=1, loops=2)
    assert [p.shape for p in once.parameters()] == [p.shape for p in twice.parameters()]
    unrolled = transformer(depth=2)
    state = twice.state_dict()
    state |= {name.replace("blocks.0", "blocks.1"): value for name, value in state.items() if "blocks.0" in name}
    unrolled.load_state_dict(state)
    assert torch.equal(unrolled.evaluate(sequences()).hidden, twice.evaluate(sequences()).hidden)


@torch.no_grad()
def test_only_a_denoiser_conditioned_on_time_depends_on_the_noise_level():
    early, late = (sampler_state([[0, 1, 5]], noise_level=torch.tensor([t]).double()) for t in (0.9, 0.1))
    deaf, hearing = transformer(), transformer(time_conditioning=True)
    assert torch.equal(deaf.evaluate(early).hidden, deaf.evaluate(late).hidden)
    assert different(hearing.evaluate(early).hidden, hearing.evaluate(late).hidden)


@torch.no_grad()
def test_a_denoiser_with_status_depends_on_what_is_given_committed_or_open():
    states = [
        sampler_state([[0, 1]]),
        sampler_state([[0, 1]], committed=[[1, 0]]),
        sampler_state([[0, 1]], editable=[[0, 1]]),
    ]
    knowing, ignorant = transformer(), transformer(status=False)
    described = [knowing.evaluate(state).hidden for state in states]
    assert different(described[0], described[1])
    assert different(described[0], described[2])
    assert different(described[1], described[2])
    untold = [ignorant.evaluate(state).hidden for state in states]
    assert torch.equal(untold[0], untold[1])
    assert torch.equal(untold[0], untold[2])


@torch.no_grad()
def test_padding_is_not_attended_to():
    model, length = transformer(), 9
    status, level = torch.full((2, length), 2), torch.ones(2)
    tokens = torch.tensor([[0, 1, 2, 3, 4, 0, 0, 0, 0], [0, 1, 2, 3, 4, 1, 2, 3, 4]])
    padding = (torch.arange(length) >= 5).expand(2, -1)
    padded = model.hidden(tokens, status, level, padding)
    assert torch.equal(padded[0, :5], padded[1, :5])
    short = model.hidden(tokens[:1, :5], status[:1, :5], level[:1])
    torch.testing.assert_close(padded[:1, :5], short, rtol=1e-5, atol=1e-5)
    assert different(padded[0, :5], model.hidden(tokens, status, level)[0, :5])


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="width 30 is not divisible by heads 4"):
        TransformerDenoiser(5, width=30, heads=4)


@pytest.mark.parametrize("loops", [0, 65, 10**9])
def test_loops_without_an_end_are_refused(loops):
    with pytest.raises(ValueError, match=f"loops is {loops}"):
        TransformerDenoiser(5, loops=loops)


def test_the_mask_is_the_token_after_the_vocabulary():
    model = transformer(vocabulary=5)
    assert model.corruption.mask_id == 5
    assert model.tokens.num_embeddings == 6
    assert model.logits(torch.zeros(2, 32)).shape == (2, 5)


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@torch.no_grad()
@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("length", [1, 3, 9])
def test_batches_of_any_size_are_read_the_same_by_any_number_of_threads(length):
    model = transformer(length=length, width=128)
    tokens = torch.randint(6, (64, length), generator=torch.Generator().manual_seed(0))
    status, level = torch.full_like(tokens, 2), torch.ones(64)
    together = model.hidden(tokens, status, level)
    for rows in (1, 2, 3, 5, 31, 33, 63):
        assert torch.equal(model.hidden(tokens[:rows], status[:rows], level[:rows]), together[:rows])
