"""Splits of grids: by relabelling and by class."""

import numpy as np
import pytest
from sudoku_symmetries import random_images, rearrangements_of

from adaptive_diffusion.tasks.splits import SPLITS
from adaptive_diffusion.tasks.sudoku.canonical import canonical_forms
from adaptive_diffusion.tasks.sudoku.data import SudokuDataModule
from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.split import (
    BY_RELABELLING,
    RelabellingSplit,
    SplitRule,
    SymmetryClassSplit,
)

BY_CLASS = SymmetryClassSplit()


def relabelled_sets(grids: np.ndarray, size: int) -> set[tuple[int, ...]]:
    """Grids renamed so that the first row reads 0..n − 1."""
    return {tuple(np.argsort(grid[:size])[grid - 1].tolist()) for grid in grids.astype(int)}


@pytest.mark.parametrize("size", [4, 6, 9])
def test_no_grid_is_in_two_splits_up_to_relabelling(size):
    train, validation, test = (
        relabelled_sets(generate(geometry(size), 2000, split).solutions, size) for split in SPLITS
    )
    assert train
    assert validation
    assert test
    assert not train & validation
    assert not train & test
    assert not validation & test


@pytest.mark.parametrize("rule", [RelabellingSplit(), SymmetryClassSplit()], ids=["by relabelling", "by class"])
@pytest.mark.parametrize("size", [6, 9])
def test_relabelling_never_moves_a_grid(size, rule):
    grids = generate(geometry(size), 300, "validation", splits=rule).solutions
    rng = np.random.default_rng(0)
    renamed = np.stack([np.append(0, 1 + rng.permutation(size))[grid] for grid in grids])
    assert not (renamed == grids).all()
    assert (rule.splits_of(geometry(size), renamed) == SPLITS.index("validation")).all()


@pytest.mark.parametrize("split", SPLITS)
def test_all_images_of_a_6x6_grid_are_in_its_class_split(split):
    board = geometry(6)
    sources = rearrangements_of(board)
    for grid in generate(board, 10, split, splits=BY_CLASS).solutions:
        assert (BY_CLASS.splits_of(board, grid[sources]) == SPLITS.index(split)).all()


def test_random_images_of_a_9x9_grid_are_in_its_class_split():
    board = geometry(9)
    grids = generate(board, 20, "test", splits=BY_CLASS).solutions
    for seed in range(20):
        assert (BY_CLASS.splits_of(board, random_images(grids, board, seed)) == SPLITS.index("test")).all()


def test_class_split_shares_no_class_and_the_relabelling_split_shares_nearly_all():
    """What "unseen" means for 6×6: by relabelling, nearly every test grid is an image of a training grid."""
    board = geometry(6)

    def classes(split, rule):
        return set(
            map(bytes, canonical_forms(board, generate(board, 8000, split, splits=rule, clues=(36, 36)).solutions))
        )

    train, validation, test = (classes(split, BY_CLASS) for split in SPLITS)
    assert [len(train), len(validation), len(test)] == [39, 5, 5]
    assert len(train | validation | test) == 49
    assert len(classes("test", BY_RELABELLING) & classes("train", BY_RELABELLING)) > 40


@pytest.mark.parametrize(("rule", "other"), [(BY_RELABELLING, BY_CLASS), (BY_CLASS, BY_RELABELLING)])
def test_four_fifths_of_the_grids_are_for_training(rule, other):
    """Of grids drawn without regard to the rule: in equal parts from the splits of another one."""
    board = geometry(9)
    grids = np.concatenate([generate(board, 500, split, clues=(81, 81), splits=other).solutions for split in SPLITS])
    shares = np.bincount(rule.splits_of(board, grids), minlength=3) / len(grids)
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.03)


def test_class_split_of_a_board_with_two_classes_is_refused():
    with pytest.raises(ValueError, match="4×4 grids are of 2 classes, too few .* use RelabellingSplit"):
        SudokuDataModule(4, splits=BY_CLASS).training(0, 2)


def test_sets_of_a_data_module_follow_its_split_rule():
    data = SudokuDataModule(
        6, batch_size=8, copies=3, validation_puzzles=40, test_puzzles=40, stratified_puzzles=8, splits=BY_CLASS
    )
    sets = {"train": data.training(0, 60), "validation": data.validation, "test": data.test}
    for split, problems in [*sets.items(), ("test", data.stratified_test)]:
        assert (BY_CLASS.splits_of(data.task.board, problems.solutions) == SPLITS.index(split)).all()


def test_rule_that_never_gives_a_split_is_refused(monkeypatch):
    class OnlyTraining(SplitRule):
        salt, keeps_symmetries = 0, True

        def forms(self, board, grids):
            return np.zeros_like(grids)

    monkeypatch.setattr("adaptive_diffusion.tasks.sudoku.generator.MOST_DRAWS", 20)
    splits = OnlyTraining().splits_of(geometry(4), np.zeros((1, 16)))
    others = [split for split in SPLITS if SPLITS.index(split) != splits[0]]
    with pytest.raises(ValueError, match=f"found no grid for {others[0]} among 20"):
        generate(geometry(4), 1, others[0], splits=OnlyTraining())
