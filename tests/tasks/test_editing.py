"""Editing where a file shows each position as one character."""

import pytest

from adaptive_diffusion.tasks.editing import EditSpec, SymbolEditor
from adaptive_diffusion.tasks.sudoku.task import SudokuTask

GRID = b"12 | 34\n3. | 12\n---+---\n21 | 43\n43 | 20\n"


def test_named_cells_and_blanks_are_open_and_all_else_stays():
    draft = SudokuTask(4).editor.draft(GRID, EditSpec(rewrite=["1-1"], revise=["4-4"]))
    assert draft.tokens.tolist() == [0, 1, 2, 3, 2, 0, 0, 1, 1, 0, 3, 2, 3, 2, 1, 0]
    assert draft.editable.nonzero()[0].tolist() == [0, 1, 2, 3, 5, 8, 9, 10, 11, 15]
    assert draft.drafted.nonzero()[0].tolist() == [8, 9, 10, 11]
    assert [(span.name, span.positions) for span in draft.spans] == [
        ("line 1", (0, 1, 2, 3)),
        ("line 4", (8, 9, 10, 11)),
        ("blanks", (5, 15)),
    ]
    changed = draft.content([3, 2, 1, 0, 0, 0, 0, 0, 1, 0, 3, 2, 3, 2, 1, 4])
    assert changed == b"43 | 21\n31 | 12\n---+---\n21 | 43\n43 | 2.\n"


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (EditSpec(), "nothing is to be changed"),
        (EditSpec(rewrite=["2:5"]), "the changes leave nothing to write"),
        (EditSpec(insert=["0+3"]), "insert or delete nothing"),
        (EditSpec(delete=["1-1"]), "insert or delete nothing"),
        (EditSpec(rewrite=["0:2", "1:3"]), "overlap"),
    ],
)
def test_change_that_a_grid_cannot_have_is_refused(spec, sentence):
    with pytest.raises(ValueError, match=sentence):
        SymbolEditor("1234", 4).draft(b"12 | 34", spec)


def test_file_of_another_size_is_refused():
    with pytest.raises(ValueError, match="the file shows 3 positions, a sequence has 4"):
        SymbolEditor("1234", 4).draft(b"123", EditSpec(rewrite=["0:1"]))


def test_symbols_of_several_bytes_are_told_apart():
    symbols = "123+−×÷"
    draft = SymbolEditor(symbols, 5).draft("é1×2+3".encode(), EditSpec(rewrite=["3:5"]))
    assert [symbols[token] for token in draft.tokens] == ["1", "×", "2", "+", "3"]
    assert draft.editable.tolist() == [False, True, False, False, False]
    assert draft.content([0, 4, 1, 3, 2]) == "é1−2+3".encode()


def test_a_span_that_cuts_a_character_in_half_is_refused():
    with pytest.raises(ValueError, match="byte 2 lies within a character of the text; .* are 1 and 3"):
        EditSpec(rewrite=["0:2"]).changes("aé".encode() + b"b")
    assert EditSpec(rewrite=["0:3"]).changes("aé".encode())
    assert EditSpec(rewrite=["0:2"]).changes(b"a\xc3\xa9\xff")  # no text in UTF-8


@pytest.mark.parametrize(
    ("span", "sentence"),
    [
        ("2-1", "^line 2 stands behind line 1; write 1-2$"),
        ("0-1", "^'0-1' begins at line 0, but lines are counted from 1$"),
        ("2-4", "^lines 2-4 are not in the text, which has 3$"),
    ],
)
def test_lines_that_are_none_are_refused_with_the_reason(span, sentence):
    with pytest.raises(ValueError, match=sentence):
        EditSpec(rewrite=[span]).changes(b"a\nb\nc\n")
