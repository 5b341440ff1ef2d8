"""Sizes and ranges of task data that nothing can be made of are refused before a training begins."""

import pytest

from adaptive_diffusion.tasks.colouring import ColouringData
from adaptive_diffusion.tasks.maze import MazeData
from adaptive_diffusion.tasks.sudoku import SudokuDataModule
from adaptive_diffusion.tasks.sudoku.files import SudokuFileData

MADE = {
    "puzzles": lambda **sizes: SudokuDataModule(4, **sizes),
    "puzzles of a file": lambda **sizes: SudokuFileData(4, "none.csv", **sizes),
    "mazes": lambda **sizes: MazeData(5, 5, **sizes),
    "graphs": lambda **sizes: ColouringData(6, **sizes),
}


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("made", MADE)
def test_a_held_out_set_without_problems_is_refused(made, split):
    size = f"{split}_{made.split()[0]}"
    with pytest.raises(ValueError, match=f"{size} must be at least 1, not 0"):
        MADE[made](**{size: 0})


@pytest.mark.parametrize(
    ("made", "range_"),
    [
        (lambda: SudokuDataModule(4, clues=7), "clues=7"),
        (lambda: ColouringData(6, given=[1]), r"given=\[1\]"),
        (lambda: ColouringData(6, degree=4.0), "degree=4.0"),
    ],
)
def test_a_range_needs_two_numbers(made, range_):
    with pytest.raises(ValueError, match=f"{range_} is not two numbers; give both"):
        made()
