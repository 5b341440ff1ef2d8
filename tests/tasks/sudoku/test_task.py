import torch

from adaptive_diffusion.tasks.sudoku import SudokuTask, to_queries
from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.task import Task


def test_queries_hold_clues_and_the_mask_id_at_open_cells():
    problems = generate(geometry(6), 5)
    queries = to_queries(problems)
    puzzles = torch.from_numpy(problems.puzzles).long()
    assert queries.ids.tolist() == [0, 1, 2, 3, 4]
    assert torch.equal(queries.editable, puzzles == 0)
    assert torch.equal(queries.tokens[queries.editable], torch.full((int((puzzles == 0).sum()),), 6))
    assert torch.equal(queries.tokens[~queries.editable], puzzles[puzzles > 0] - 1)


def test_the_task_judges_tokens():
    task: Task = SudokuTask(6)
    problems = generate(geometry(6), 4)
    answers = torch.from_numpy(problems.solutions).long() - 1
    answers[1, 0] = task.vocabulary
    rows = torch.tensor([3, 1])
    assert task.verify(answers[rows], problems.take(rows)).exact.tolist() == [True, False]
    assert list(task.difficulty(problems)) == [measure.name for measure in task.difficulties]


def test_positions_are_row_column_and_box():
    positions = SudokuTask(9).positions
    assert positions.shape == (81, 3)
    assert positions[40].tolist() == [4, 4, 4]
    assert positions.max() == 8


def test_a_grid_is_printed_with_its_boxes():
    tokens = torch.tensor([0, 1, 2, 3, 4, 5, *[6] * 30])
    assert SudokuTask(6).decode(tokens).splitlines()[:3] == ["1 2 3 | 4 5 6", ". . . | . . .", "------+------"]
