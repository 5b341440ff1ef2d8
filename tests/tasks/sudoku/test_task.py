"""The Sudoku task: queries, verdicts, positions and printed boards."""

import torch

from adaptive_diffusion.tasks.sudoku import Puzzles, SudokuTask, to_queries
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


SOLVED, SWAPPABLE = "1234341221434321", "..343412..434321"  # 1 and 2 may be exchanged


def test_answers_to_ambiguous_puzzles_are_judged_by_validity_alone(tmp_path):
    path = tmp_path / "puzzles.txt"
    path.write_text(f"{SWAPPABLE}\n.{SOLVED[1:]}\n")
    task = SudokuTask(4)
    file = task.read(path, skip_bad=False)
    answers = torch.tensor([[int(digit) - 1 for digit in SOLVED]] * 2)
    grades = task.grades(answers, file.problems)
    assert grades["correct"].tolist() == [1, 1]
    assert grades["exact"].isnan().tolist() == [True, False]
    assert file.notes == ("1 of 2 puzzles have several solutions; their answers are judged by validity",)


def test_ratings_of_a_file_are_a_difficulty(tmp_path):
    path = tmp_path / "puzzles.csv"
    path.write_text(f"source,question,answer,rating\nweb,.{SOLVED[1:]},{SOLVED},2.5\n")
    file = SudokuTask(4).read(path, skip_bad=False)
    assert SudokuTask(4).difficulty(file.problems)["rating"].tolist() == [2.5]


def test_problems_without_a_known_solution_have_no_targets():
    problems = generate(geometry(4), 2)
    assert SudokuTask(4).targets(problems) is not None
    unsolved = Puzzles.rated(geometry(4), problems.puzzles, problems.solutions * [[1], [0]], unique=problems.unique)
    assert SudokuTask(4).targets(unsolved) is None
