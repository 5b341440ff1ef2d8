"""Files of mazes: what is read, and how bad mazes are named."""

import gzip

import pytest
import torch
from file_readers import named_and_skipped, read_or_refused
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_diffusion.tasks.maze import MazeTask

TASK = MazeTask(3, 3)
RING = "S  \n # \n  G\n"
SOLVED = "Soo\n #o\n  G\n"


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "mazes.txt"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def test_grids_are_read_with_spaces_or_dots_and_with_their_paths(write):
    file = TASK.read(write(f"\n{RING}\n\nS..\r\n.#.\r\n..G\r\n\n{SOLVED}"), skip_bad=False)
    assert torch.equal(file.problems.cells[0], file.problems.cells[1])
    assert torch.equal(file.problems.cells[0], file.problems.cells[2])
    assert TASK.decode(file.problems.solutions[2].long()) == SOLVED.rstrip()
    assert TASK.correct(file.problems.solutions.long(), file.problems).all()
    assert file.problems.paths.tolist() == [2, 2, 2]


def test_what_a_file_shows_is_read_again(write):
    text = TASK.decode(TASK.read(write(SOLVED), skip_bad=False).problems.solutions[0].long())
    assert text == SOLVED.rstrip()


def test_rows_of_spaces_alone_are_rows(write):
    file = TASK.read(write("S  \n   \n  G\n"), skip_bad=False)
    assert file.problems.moves.tolist() == [4]


def test_mazes_on_a_line_each_are_read(write):
    file = TASK.read(write("S   #   G\nS.o.#o..G\nSoo.#o..G\n"), skip_bad=True)
    assert file.problems.moves.tolist() == [4, 4]
    assert file.skipped == ("line 2: the given answer is no shortest path; correct it, or leave it out",)


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_table_with_ratings_is_read(write, pack):
    table = "source,question,answer,rating\nweb,S   #   G,Soo #o  G,7.5\nweb,S   #   G,,\n"
    file = TASK.read(write(pack(table)), skip_bad=False)
    rating = TASK.difficulty(file.problems)["rating"]
    assert rating[0] == 7.5
    assert rating[1].isnan()
    assert TASK.decode(file.problems.solutions[0].long()) == SOLVED.rstrip()


BAD_GRIDS = {
    "S  \n # \n G": (4, "a row of 2 cells in a grid with rows of 3; write free cells as '.'"),
    "S   \n #  \n  G ": (2, "a grid of 3×4 where the model has 3×3; add walls around it, or use another model"),
    f"{RING}{RING.rstrip()}": (2, "a grid of 6×3 where the model has 3×3, with 2 cells 'S'; put an empty line between"),
    "S  \n # ": (2, "a grid of 2×3 where the model has 3×3"),
    "S  \n x \n  G": (2, "'x' in the maze is none of the symbols"),
    "S  \n # \n   ": (2, "the maze has 0 cells 'G'; mark one goal"),
    "S S\n # \n  G": (2, "the maze has 2 cells 'S'; mark one start"),
    "S# \n## \n  G": (2, "no way leads from S to G; open a wall"),
    "So \n #o\n  G": (2, "the given answer is no shortest path; correct it, or leave it out"),
    "S #G": (2, "4 cells in the maze where a grid of 3×3 has 9; correct the line"),
}


@pytest.mark.parametrize("grid", BAD_GRIDS)
def test_bad_grid_is_named_with_line_reason_and_fix_and_can_be_skipped(write, grid):
    line, reason = BAD_GRIDS[grid]
    path = write(f"\n{grid}\n\n{RING}")
    assert len(named_and_skipped(TASK, path, line, reason).problems) == 1


BAD_LINES = {
    "web": "1 fields where the header has 4; complete the line",
    "web,S   #   ,,": "8 cells in the maze where a grid of 3×3 has 9",
    "web,S   #   G,S   #,": "5 cells in the answer where",
    'web,"S   #   G,,': "not a CSV line",
    "web,S   #   G,S   #   G,": "the given answer is no shortest path",
}


@pytest.mark.parametrize("line", BAD_LINES)
def test_bad_line_of_a_table_is_named_and_can_be_skipped(write, line):
    path = write(f"source,question,answer,rating\n{line}\n\nweb,S   #   G,,1\n")
    assert len(named_and_skipped(TASK, path, 2, BAD_LINES[line]).problems) == 1


@pytest.mark.parametrize(
    "content", ["", "\n\n", "question\n", "S#G\n###\n###\n", "question,answer\nS   #   G,S   #   G\n"]
)
def test_file_without_a_maze_is_refused(write, content):
    with pytest.raises(ValueError, match="holds no maze"):
        TASK.read(write(content), skip_bad=True)


@settings(deadline=None, max_examples=40)
@given(content=st.text(alphabet="# .SGo\n,", max_size=80) | st.binary(max_size=40))
def test_any_content_is_read_or_refused(tmp_path_factory, content):
    read_or_refused(TASK, tmp_path_factory.mktemp("any") / "mazes.txt", content)
