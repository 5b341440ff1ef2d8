"""Files of puzzles: what is read, and how bad lines are named."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_diffusion.tasks.lines import LONGEST_LINE, BadLine
from adaptive_diffusion.tasks.sudoku import readers
from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.readers import read_puzzles
from adaptive_diffusion.tasks.sudoku.solver import solve

GOOD = "1234341221434321"
SWAPPABLE = "..343412..434321"  # 1 and 2 may be exchanged; one guess tells


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "puzzles.txt"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


BAD_LINES = {
    "123": "3 cells where a board has 16, 36 or 81; boards are 4×4, 6×6, 9×9",
    "x234341221434321": "'x' at cell 1 is neither a digit from 1 to 4 nor a blank (0 or .)",
    "1234341221434329": "'9' at cell 16 is neither a digit from 1 to 4",
    "²234341221434321": r"'\xb2' at cell 1",
    "11..............": "1 stands 2 times in row 1; correct its clues",
    "1...1...........": "1 stands 2 times in column 1",
    "1....1..........": "1 stands 2 times in box 1",
    "123....4........": "the puzzle has no solution; correct its clues",
    "1234............:1:2134341212434321": "the given solution contradicts the clue at cell 1; correct one of the two",
    "................:1:1234341221434322": "the given solution breaks a rule: 2 stands 2 times in row 4; correct it",
    "................:1:.234341221434321": "the given solution has blanks; complete it",
    "." * 36: "not of size 4×4; give each size a file of its own",
    f"{GOOD},{'1' * 36}": "not of size 4×4",
    '"1234,': "not a CSV line",
    "1" * (LONGEST_LINE + 1): f"longer than {LONGEST_LINE} bytes; write one query on a line",
    "1" * 3 * LONGEST_LINE: f"longer than {LONGEST_LINE} bytes",
}


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line[:36])
def test_bad_line_is_named_with_reason_and_remedy_and_can_be_skipped(write, line):
    path = write(f"{GOOD}\n{line}\n{GOOD}\n")
    with pytest.raises(ValueError, match="--skip-bad") as error:
        read_puzzles(path)
    assert f"line 2: {BAD_LINES[line]}" in str(error.value)
    file = read_puzzles(path, skip_bad=True)
    assert file.lines.tolist() == [1, 3]
    assert [bad.line for bad in file.skipped] == [2]
    assert file.skipped[0].reason.startswith(BAD_LINES[line])


def test_the_first_bad_lines_are_listed_in_order_and_the_rest_counted(write):
    path = write("\n".join([GOOD, "11..............", *["?"] * 8]))
    with pytest.raises(ValueError, match="goes on without") as error:
        read_puzzles(path)
    assert re.findall(r"line (\d+)", str(error.value)) == ["2", "3", "4", "5", "6"]
    assert "and 4 more" in str(error.value)


def test_file_of_almost_only_bad_lines_is_refused(write, monkeypatch):
    monkeypatch.setattr("adaptive_diffusion.tasks.lines.MOST_BAD_LINES", 20)
    assert len(read_puzzles(write(f"{GOOD}\n" + "x\n" * 20), skip_bad=True).skipped) == 20
    with pytest.raises(ValueError, match="more than 20 bad lines"):
        read_puzzles(write(f"{GOOD}\n" + "x\n" * 21), skip_bad=True)


def test_puzzles_with_several_solutions_are_flagged_and_counted(write):
    file = read_puzzles(write(f"{'.' * 16}\n{GOOD}\n{SWAPPABLE}:0:{GOOD}"))
    assert file.ambiguous.tolist() == [True, False, True]
    assert not file.undecided.any()
    assert "".join(map(str, file.solutions[2])) == GOOD
    assert file.notes == ("2 of 3 puzzles have several solutions; their answers are judged by validity",)


def test_nothing_is_noted_where_every_solution_is_unique(write):
    assert read_puzzles(write(f"{GOOD}\n")).notes == ()


def test_undecided_puzzles_are_read_and_marked(write, monkeypatch):
    monkeypatch.setattr(readers, "solve", lambda board, puzzles: solve(board, puzzles, guess_limit=0))
    file = read_puzzles(write(f"{SWAPPABLE}\n{GOOD}\n{SWAPPABLE}:0:{GOOD}"))
    assert file.undecided.tolist() == [True, False, True]
    assert not file.ambiguous.any()
    assert file.unique.tolist() == [False, True, False]
    assert not file.solutions[0].any()
    assert "".join(map(str, file.solutions[2])) == GOOD
    assert file.notes[0].startswith("2 of 3 puzzles are undecided: the solver gave up")


def test_wrong_solution_of_an_undecided_puzzle_is_a_bad_line(write, monkeypatch):
    monkeypatch.setattr(readers, "solve", lambda board, puzzles: solve(board, puzzles, guess_limit=0))
    with pytest.raises(ValueError, match="breaks a rule"):
        read_puzzles(write(f"{SWAPPABLE}:0:11{GOOD[2:]}"))


def test_row_without_the_column_of_the_puzzle_is_bad(write):
    file = read_puzzles(write(f"id,puzzle\n1,{GOOD}\n7\nabc,\n"), skip_bad=True)
    assert file.lines.tolist() == [2]
    assert [bad.line for bad in file.skipped] == [3, 4]
    assert file.skipped[0].reason.startswith("no column 2, where the header has the puzzle")
    assert file.skipped[1].reason.startswith("0 cells where a board has 16, 36 or 81")


def test_size_can_be_given(write):
    path = write(f"{'.' * 36}\n{GOOD}\n")
    assert read_puzzles(path, size=4, skip_bad=True).lines.tolist() == [2]


def test_long_files_are_read_in_parts(write, monkeypatch):
    monkeypatch.setattr(readers, "CHUNK", 7)
    problems = generate(geometry(6), 30)
    file = read_puzzles(write("\n".join("".join(map(str, puzzle)) for puzzle in problems.puzzles)))
    assert np.array_equal(file.puzzles, problems.puzzles)
    assert np.array_equal(file.solutions, problems.solutions)
    assert file.lines.tolist() == list(range(1, 31))


@pytest.mark.parametrize("content", ["", "# nothing\n", "puzzle,solution\n", "???", "11..............", "[Puzzle]\n"])
def test_file_without_puzzles_is_refused(write, content):
    with pytest.raises(ValueError, match="no puzzle"):
        read_puzzles(write(content), skip_bad=True)


def test_path_that_is_not_a_regular_file_is_refused(tmp_path):
    for path, sentence in (tmp_path, "is no file"), ("/dev/zero", "is no file"), (tmp_path / "x", "there is no file"):
        with pytest.raises(ValueError, match=sentence):
            read_puzzles(path)


CELLS = st.sampled_from(["", ".", "0", "1", "4", "9"])
LINES = st.one_of(
    st.binary(max_size=60),
    st.text(alphabet='01234.,:;|#"x\r\t \ufeff', max_size=60).map(str.encode),
    st.text(alphabet="01234.", min_size=16, max_size=16).map(str.encode),
    st.text(alphabet="1234.", min_size=4, max_size=4).map(str.encode),
    st.lists(CELLS, min_size=15, max_size=33).map(lambda cells: ",".join(cells).encode()),
    st.sampled_from(
        [b"", b"Grid 01", b"[Puzzle]", b"[State]", b"--+--", b"puzzle,rating", b"ab12 1234341221434321 nan"]
    ),
)


@given(st.lists(LINES, max_size=12))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused_and_every_puzzle_read_is_solved(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "puzzles"
    path.write_bytes(b"\n".join(content))
    try:
        file = read_puzzles(path, skip_bad=True)
    except ValueError:
        return
    assert ((file.puzzles == 0) | (file.puzzles == file.solutions)).all()
    units = file.board.units
    assert (np.sort(file.solutions[:, units], axis=2) == np.arange(1, file.board.size + 1)).all()
    assert not set(file.lines) & {bad.line for bad in file.skipped}
    assert all(isinstance(bad, BadLine) and "; " in bad.reason for bad in file.skipped)
