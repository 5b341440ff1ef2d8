import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.readers import LONGEST_LINE, BadLine, read_puzzles

GOOD = "1234341221434321"


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "puzzles.txt"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def rows(problems, blank="."):
    return [
        ("".join(map(str, puzzle)).replace("0", blank), "".join(map(str, solution)))
        for puzzle, solution in zip(problems.puzzles, problems.solutions, strict=True)
    ]


NOTATIONS = {
    "one line a puzzle": lambda pairs: "\n".join(puzzle for puzzle, _ in pairs),
    "number and solution behind": lambda pairs: "\n".join(f"{puzzle}:7:{solution}" for puzzle, solution in pairs),
    "number behind": lambda pairs: "\n".join(f"{puzzle}:7" for puzzle, _ in pairs),
    "csv with header": lambda pairs: "puzzle,solution\n" + "\n".join(map(",".join, pairs)),
    "csv without header": lambda pairs: "\n".join(map(",".join, pairs)),
    "csv with quotes": lambda pairs: '"quizzes","solutions"\n' + "\n".join(f'"{a}","{b}"' for a, b in pairs),
    "csv with other columns": lambda pairs: "source,question,answer\n" + "\n".join(f"web,{a},{b}" for a, b in pairs),
    "csv without solution": lambda pairs: "id,puzzle\n" + "\n".join(f"1,{a}" for a, _ in pairs),
    "comma-separated cells": lambda pairs: "\n".join(",".join(a) for a, _ in pairs),
    "comma-separated cells and solution": lambda pairs: "\n".join(",".join(a + b) for a, b in pairs),
    "empty cells": lambda pairs: "\n".join(",".join(a).replace(".", "").replace("0", "") for a, _ in pairs),
}


@pytest.mark.parametrize("notation", NOTATIONS.values(), ids=NOTATIONS)
@pytest.mark.parametrize("size", [4, 6, 9])
@pytest.mark.parametrize("blank", [".", "0"])
def test_every_notation_gives_the_same_puzzles(write, notation, size, blank):
    problems = generate(geometry(size), 12)
    file = read_puzzles(write(notation(rows(problems, blank))))
    assert (file.puzzles.puzzles == problems.puzzles).all()
    assert (file.puzzles.solutions == problems.solutions).all()
    assert file.puzzles.guesses.tolist() == problems.guesses.tolist()
    assert file.puzzles.clues.tolist() == problems.clues.tolist()
    assert not file.ambiguous.any()
    assert file.skipped == ()


def test_comments_blank_lines_byte_order_mark_and_windows_line_ends_are_no_trouble(write):
    problems = generate(geometry(4), 2)
    (first, _), (second, _) = rows(problems)
    content = f"# from a book\r\n\r\n{first}  # easy\r\n   \r\n{second}\r\n"
    file = read_puzzles(write(b"\xef\xbb\xbf" + content.encode()))
    assert file.lines.tolist() == [3, 5]
    assert (file.puzzles.puzzles == problems.puzzles).all()


BAD_LINES = {
    "123": "3 cells where a board has 16, 36, 81",
    "x234341221434321": "'x' at cell 1 is neither a digit from 1 to 4",
    "1234341221434329": "'9' at cell 16 is neither a digit from 1 to 4",
    "²234341221434321": r"'\xb2' at cell 1",
    "11..............": "1 stands 2 times in row 1",
    "1...1...........": "1 stands 2 times in column 1",
    "1....1..........": "1 stands 2 times in box 1",
    "123....4........": "the puzzle has no solution",
    "1234............:1:2134341212434321": "the given solution contradicts the clue at cell 1",
    "................:1:1234341221434322": "the given solution is none: 2 stands 2 times in row 4",
    "................:1:.234341221434321": "the given solution has blanks",
    "." * 36: "not of size 4×4",
    f"{GOOD},{'1' * 36}": "not of size 4×4",
    '"1234,': "not a CSV line",
    "1" * (LONGEST_LINE + 1): f"longer than {LONGEST_LINE} bytes",
}


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line[:36])
def test_a_bad_line_is_named_with_its_reason_and_can_be_skipped(write, line):
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


def test_a_puzzle_with_several_solutions_is_taken_and_flagged(write):
    file = read_puzzles(write(f"{'.' * 16}\n{GOOD}\n{'.' * 16}:0:{GOOD}"))
    assert file.ambiguous.tolist() == [True, False, True]
    assert "".join(map(str, file.puzzles.solutions[2])) == GOOD


def test_a_row_without_the_column_of_the_puzzle_is_bad(write):
    file = read_puzzles(write(f"id,puzzle\n1,{GOOD}\n{GOOD}\nabc,\n"), skip_bad=True)
    assert file.lines.tolist() == [2, 3]
    assert file.skipped == (BadLine(4, "0 cells where a board has 16, 36, 81"),)


def test_the_size_can_be_asked_for(write):
    path = write(f"{'.' * 36}\n{GOOD}\n")
    assert read_puzzles(path, size=4, skip_bad=True).lines.tolist() == [2]


@pytest.mark.parametrize("content", ["", "# nothing\n", "puzzle,solution\n", "???", "11.............."])
def test_a_file_without_puzzles_is_refused(write, content):
    with pytest.raises(ValueError, match="no puzzle"):
        read_puzzles(write(content), skip_bad=True)


def test_what_is_no_file_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing", "/dev/zero"):
        with pytest.raises(ValueError, match="is no file"):
            read_puzzles(path)


@pytest.mark.parametrize(
    "content", [b"\x00" * 100_000, b"\xff\xfe" + GOOD.encode("utf-16-le"), b",\n" * 50, b'"' * 5000]
)
def test_binary_rubbish_is_refused_in_words(write, content):
    with pytest.raises(ValueError, match="holds no puzzle"):
        read_puzzles(write(content))


CELLS = st.sampled_from(["", ".", "0", "1", "4", "9"])
LINES = st.one_of(
    st.binary(max_size=60),
    st.text(alphabet='01234.,:#"x\r\ufeff', max_size=60).map(str.encode),
    st.text(alphabet="01234.", min_size=16, max_size=16).map(str.encode),
    st.lists(CELLS, min_size=15, max_size=33).map(lambda cells: ",".join(cells).encode()),
)


@given(st.lists(LINES, max_size=12))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused_and_every_puzzle_taken_is_solved(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "puzzles"
    path.write_bytes(b"\n".join(content))
    try:
        file = read_puzzles(path, skip_bad=True)
    except ValueError:
        return
    problems = file.puzzles
    assert ((problems.puzzles == 0) | (problems.puzzles == problems.solutions)).all()
    units = problems.board.units
    assert (np.sort(problems.solutions[:, units], axis=2) == np.arange(1, problems.board.size + 1)).all()
    assert not set(file.lines) & {bad.line for bad in file.skipped}
