"""Boxes, units and peers of a board."""

import numpy as np
import pytest

from adaptive_diffusion.tasks.sudoku.geometry import geometry


def test_six_by_six_boxes_are_two_rows_by_three_columns():
    board = geometry(6)
    assert board.coordinates[:, 2].reshape(6, 6).tolist() == [
        [0, 0, 0, 1, 1, 1],
        [0, 0, 0, 1, 1, 1],
        [2, 2, 2, 3, 3, 3],
        [2, 2, 2, 3, 3, 3],
        [4, 4, 4, 5, 5, 5],
        [4, 4, 4, 5, 5, 5],
    ]


@pytest.mark.parametrize(("size", "peers"), [(4, 7), (6, 12), (9, 20)])
def test_units_and_peers_say_the_same(size, peers):
    board = geometry(size)
    assert board.units.shape == (3 * size, size)
    assert board.peers.shape == (board.length, peers)
    for cell in range(board.length):
        together = np.unique(board.units[(board.units == cell).any(axis=1)])
        assert board.peers[cell].tolist() == [other for other in together if other != cell]


def test_a_size_without_a_board_is_refused():
    with pytest.raises(ValueError, match="no Sudoku board of size 5"):
        geometry(5)
