"""Sequences as plain text."""

import pytest

from adaptive_diffusion.core.drawing import draw, place, symbol
from adaptive_diffusion.core.layout import GridLayout, TextLayout

BOARD = GridLayout(2, 4, 1, 2, ("1", "2", "30"))
LETTERS = TextLayout(("a", "b", "\n"))


def test_grid_is_ruled_into_boxes_and_marks_stand_behind_symbols():
    assert draw([0, 1, 2, -1, 2, 1, 0, 0], BOARD, {1: "+", 3: "-"}) == [
        " 1   2+ | 30   ·-",
        "--------+--------",
        "30   2  |  1   1",
    ]


def test_text_is_drawn_with_its_own_line_breaks():
    assert draw([0, 1, 2, -1, 0], LETTERS, {1: "+"}) == ["ab", "·a"]


def test_tokens_without_symbols_are_numbers():
    assert draw([5, -1, 12], TextLayout()) == ["5 · 12"]
    assert symbol(7, LETTERS) == "7"


@pytest.mark.parametrize("tokens", [[], [0], [0] * 9])
def test_grid_of_another_size_is_drawn_as_text(tokens):
    assert draw(tokens, BOARD) == ["1" * len(tokens)]


def test_positions_are_named_by_row_and_column_or_counted():
    assert place(5, BOARD) == "row 2, column 2"
    assert place(5, LETTERS) == "position 5"
