"""Sudoku from files: what is trained on, what is held out, and ratings as a difficulty."""

import numpy as np
import pytest
import torch

from adaptive_diffusion.tasks.sudoku import SudokuFileData
from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.split import BY_RELABELLING

HEADER = "source,question,answer,rating\n"


def text(digits: np.ndarray) -> str:
    return "".join(map(str, digits)).replace("0", ".")


def table(split: str, count: int) -> str:
    """Lines as those of Sudoku-Extreme, with the number of the line as the rating."""
    problems = generate(geometry(6), count, split)
    pairs = zip(problems.puzzles, problems.solutions, strict=True)
    return "".join(f"made,{text(puzzle)},{text(grid)},{line}\n" for line, (puzzle, grid) in enumerate(pairs))


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "train.csv"
    file.write_text(HEADER + table("train", 12) + table("validation", 5) + table("test", 4))
    return file


def test_splits_of_a_file_share_no_grid_and_training_puzzles_are_images(path):
    data = SudokuFileData(6, str(path), batch_size=8, validation_puzzles=3)
    assert (len(data.training_puzzles), len(data.validation), len(data.test)) == (12, 3, 4)
    board = geometry(6)
    made = data.training(5, 40)
    assert (BY_RELABELLING.splits_of(board, made.solutions) == 0).all()
    assert (BY_RELABELLING.splits_of(board, data.test.solutions) == 2).all()
    assert data.task.correct(torch.from_numpy(made.solutions).long() - 1, made).all()
    assert sorted(made.clues[7:19]) == sorted(data.training_puzzles.clues)  # one pass
    assert np.array_equal(data.training(20, 10).puzzles, made.puzzles[15:25])
    assert data.check() == ()


def test_ratings_of_test_puzzles_are_a_difficulty(path):
    data = SudokuFileData(6, str(path))
    assert data.task.difficulty(data.test)["rating"].tolist() == [0, 1, 2, 3]
    assert "rating" in [measure.name for measure in data.task.difficulties]


def test_a_file_of_its_own_is_the_test_and_shared_grids_are_counted(path, tmp_path):
    test_path = tmp_path / "test.csv"
    test_path.write_text(HEADER + table("train", 2) + table("test", 9)[len(table("test", 4)) :])
    data = SudokuFileData(6, str(path), str(test_path))
    assert (len(data.training_puzzles), len(data.validation), len(data.test)) == (16, 5, 7)
    (note,) = data.check()
    assert note.startswith("2 grids of the test puzzles are training grids")
    assert {name: part["puzzles"] for name, part in data.facts().items()} == {
        "training": 16,
        "validation": 5,
        "test": 7,
    }


def test_bad_lines_are_skipped_where_that_is_wanted(path):
    good = path.with_name("good.csv")
    good.write_text(path.read_text())
    path.write_text(path.read_text() + "made,123,,\n")
    for files in ((path,), (good, path)):
        with pytest.raises(ValueError, match="bad lines, `task.skip_bad=true` goes on without them:") as refused:
            SudokuFileData(6, *map(str, files)).check()
        assert "line 23: 3 cells where a board has 16, 36 or 81" in str(refused.value)
    (note,) = SudokuFileData(6, str(path), skip_bad=True).check()
    assert "line 23: 3 cells" in note


def test_files_that_leave_a_split_empty_are_refused(tmp_path):
    file = tmp_path / "train.csv"
    file.write_text(HEADER + table("test", 3))
    data = SudokuFileData(6, str(file))
    with pytest.raises(ValueError, match="no puzzle with a known solution to train on"):
        data.training(0, 1)
    with pytest.raises(ValueError, match="no puzzle for validation; give a file with more"):
        data.held_out("validation")
    with pytest.raises(ValueError, match="set task.path"):
        SudokuFileData(6, None)
