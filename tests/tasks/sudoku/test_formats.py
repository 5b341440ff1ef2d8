"""The formats in which puzzles are published: each is read to the same puzzles, or refused by its name."""

import gzip

import numpy as np
import pytest

from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry
from adaptive_diffusion.tasks.sudoku.readers import read_puzzles

GOOD = "1234341221434321"


@pytest.fixture
def read(tmp_path):
    def read(content: str | bytes, skip_bad: bool = False):
        path = tmp_path / "puzzles"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_puzzles(path, skip_bad=skip_bad)

    return read


def pairs_of(problems, blank="."):
    """Puzzle and solution as text, for each problem."""
    return [
        ("".join(map(str, puzzle)).replace("0", blank), "".join(map(str, solution)))
        for puzzle, solution in zip(problems.puzzles, problems.solutions, strict=True)
    ]


def rows_of(puzzle):
    size = round(len(puzzle) ** 0.5)
    return [puzzle[first : first + size] for first in range(0, len(puzzle), size)]


def lines_of(notation):
    return lambda pairs: "\n".join(notation(*pair) for pair in pairs)


def table_of(header, notation):
    return lambda pairs: "\n".join([header, *(notation(*pair) for pair in pairs)])


def grids_of(title, row=str):
    """Each puzzle as a title and a line for every row."""
    return lambda pairs: "\n".join(
        line
        for number, (puzzle, _) in enumerate(pairs, 1)
        for line in [title.format(number), *map(row, rows_of(puzzle))]
    )


def drawn(pairs):
    """Each puzzle with rules between its boxes, and a blank line behind it."""
    lines = []
    for puzzle, _ in pairs:
        board = geometry(round(len(puzzle) ** 0.5))
        for number, row in enumerate(rows_of(puzzle)):
            if number and number % board.rows_per_box == 0:
                lines.append("+".join(["-" * (2 * board.cols_per_box + 1)] * (board.size // board.cols_per_box)))
            boxes = [row[left : left + board.cols_per_box] for left in range(0, board.size, board.cols_per_box)]
            lines.append(" | ".join(" ".join(box) for box in boxes))
        lines.append("")
    return "\n".join(lines)


ONE_LINE = {
    "a puzzle on each line": lines_of(lambda a, b: a),
    "number and solution behind": lines_of(lambda a, b: f"{a}:7:{b}"),
    "number behind": lines_of(lambda a, b: f"{a}:7"),
    "CSV with a header": table_of("puzzle,solution", lambda a, b: f"{a},{b}"),
    "CSV without a header": lines_of(lambda a, b: f"{a},{b}"),
    "CSV without a header, source first": lines_of(lambda a, b: f"web,{a},{b},17"),
    "CSV with quotes": table_of('"quizzes","solutions"', lambda a, b: f'"{a}","{b}"'),
    "CSV without solutions": table_of("id,puzzle", lambda a, b: f"1,{a}"),
    "semicolons": table_of("puzzle;solution", lambda a, b: f"{a};{b}"),
    "semicolons without a header": lines_of(lambda a, b: f"{a};{b}"),
    "tabs": table_of("id\tpuzzle\tsolution", lambda a, b: f"1\t{a}\t{b}"),
    "tabs without a header": lines_of(lambda a, b: f"{a}\t{b}"),
    "solution behind a space": lines_of(lambda a, b: f"{a} {b}"),
    "cells with commas": lines_of(lambda a, b: ",".join(a)),
    "cells with semicolons": lines_of(lambda a, b: ";".join(a)),
    "cells with commas, and the solution's": lines_of(lambda a, b: ",".join(a + b)),
    "empty cells": lines_of(lambda a, b: ",".join(a).replace(".", "").replace("0", "")),
    "spaces between digits": lines_of(lambda a, b: " ".join(a)),
    "spaces between rows": lines_of(lambda a, b: " ".join(rows_of(a))),
    "spaces between digits in CSV": table_of("puzzle,solution", lambda a, b: f"{' '.join(a)},{' '.join(b)}"),
    "SDM": table_of("# collection of puzzles", lambda a, b: a),
}
GRIDS = {
    "Grid 01": grids_of("Grid {:02}"),
    "SDK": grids_of("#A author\n#D puzzle {}\n[Puzzle]"),
    "SDK with a state": lambda pairs: "".join(
        "\n".join(["[Puzzle]", *rows_of(a), "[State]", *rows_of(b), ""]) for a, b in pairs
    ),
    "rows without titles": grids_of(""),
    "rows with spaces": grids_of("", " ".join),
    "rows with commas": grids_of("", ",".join),
    "rows with bars": grids_of("", "|".join),
    "boxes drawn": drawn,
}


@pytest.mark.parametrize("notation", (ONE_LINE | GRIDS).values(), ids=ONE_LINE | GRIDS)
@pytest.mark.parametrize("size", [4, 6, 9])
@pytest.mark.parametrize("blank", [".", "0"])
def test_every_format_gives_the_same_puzzles(read, notation, size, blank):
    problems = generate(geometry(size), 12)
    file = read(notation(pairs_of(problems, blank)))
    assert np.array_equal(file.puzzles, problems.puzzles)
    assert np.array_equal(file.solutions, problems.solutions)
    assert file.unique.all()
    assert np.isnan(file.ratings).all()
    assert file.skipped == ()


@pytest.mark.parametrize(
    "notation",
    [
        lines_of(lambda a, b: f"00003dee9a75 {a}  1.5"),
        table_of("source,question,answer,rating", lambda a, b: f"web,{a},{b},1.5"),
        table_of("id;puzzle;clues;difficulty", lambda a, b: f"1;{a};20;1.5"),
    ],
    ids=["hash, digits and rating", "source, question, answer and rating", "difficulty"],
)
def test_ratings_are_read(read, notation):
    problems = generate(geometry(9), 5)
    file = read(notation(pairs_of(problems)))
    assert np.array_equal(file.puzzles, problems.puzzles)
    assert file.ratings.tolist() == [1.5] * 5


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"web,{GOOD[1:]},{GOOD}", "15 cells where a board has"),
        (f"{GOOD},{GOOD[1:]}", "15 cells where a board has"),
        (f"{GOOD} {GOOD}1", "17 cells where a board has"),
        (f"{GOOD};{'.' * 16}", "the given solution has blanks"),
    ],
)
def test_grid_with_a_cell_missing_or_in_excess_is_not_passed_over(read, line, reason):
    with pytest.raises(ValueError, match=reason):
        read(line)


@pytest.mark.parametrize("rating", ["", "nan", "inf", "-inf", "1e39", "-1e300", "1e999", "easy"])
def test_rating_that_is_not_a_number_of_ordinary_size_is_left_open(read, rating):
    file = read(f"puzzle,rating\n{GOOD},{rating}\n{GOOD},2\n")
    assert np.isnan(file.ratings).tolist() == [True, False]


def test_lines_of_grids_are_those_of_their_first_rows(read):
    grid = "\n".join(rows_of(GOOD))
    assert read(f"Grid 01\n{grid}\nGrid 02\n{grid}\n").lines.tolist() == [2, 7]


def test_gzip_is_read(read):
    problems = generate(geometry(9), 30)
    file = read(gzip.compress("\n".join(puzzle for puzzle, _ in pairs_of(problems)).encode()))
    assert np.array_equal(file.puzzles, problems.puzzles)


def test_damaged_gzip_is_a_bad_line_behind_the_readable_ones(read):
    generator = np.random.default_rng(0)
    text = "".join(f"{GOOD} # {generator.bytes(40).hex()}\n" for _ in range(2000)).encode()
    full = gzip.compress(text)
    flipped = full[:-6] + bytes([full[-6] ^ 255]) + full[-5:]
    for damaged in (full[: len(full) // 2], flipped):
        with pytest.raises(ValueError, match="gzip data are damaged from here on .*; fetch the file again"):
            read(damaged)
        file = read(damaged, skip_bad=True)
        assert file.lines.tolist() == list(range(1, len(file.lines) + 1))
        assert len(file.lines) > 100
        (bad,) = file.skipped
        assert bad.line > len(file.lines)


def test_gzip_that_expands_out_of_proportion_is_refused(read, monkeypatch):
    monkeypatch.setattr("adaptive_diffusion.tasks.lines.ALWAYS_READ", 1000)
    for text in (b"\n" * 10**6, b"#" * 10**6):
        with pytest.raises(ValueError, match="expands to more than 100 times its size"):
            read(gzip.compress(text), skip_bad=True)


def test_comments_blank_lines_byte_order_mark_and_windows_line_ends_are_accepted(read):
    problems = generate(geometry(4), 2)
    (first, _), (second, _) = pairs_of(problems)
    file = read(b"\xef\xbb\xbf" + f"# from a book\r\n\r\n{first}  # easy\r\n   \r\n{second}\r\n".encode())
    assert file.lines.tolist() == [3, 5]
    assert np.array_equal(file.puzzles, problems.puzzles)


BAD_GRIDS = {
    "row missing": ("1234\n3412\n2143", 2, "the grid that begins here has 3 of 4 rows; complete it"),
    "row too short": ("1234\n341\n2143\n4321", 3, "not a row of 4 cells, as the grid that begins in line 2 needs"),
    "row too long": ("1234\n34121\n2143\n4321", 3, "not a row of 4 cells"),
    "row of another size": ("1234\n341265\n2143\n4321", 3, "not a row of 4 cells"),
    "row with a letter": ("1234\n34x2\n2143\n4321", 3, "not a row of 4 cells"),
    "contradiction": ("1134\n3412\n2143\n4321", 2, "1 stands 2 times in row 1; correct its clues"),
}


@pytest.mark.parametrize("end", ["\n", "\n\n", "\nGrid 02\n"], ids=["end of file", "blank line", "title"])
@pytest.mark.parametrize(("grid", "line", "reason"), BAD_GRIDS.values(), ids=BAD_GRIDS)
def test_bad_grid_is_named_once_and_reading_goes_on(read, grid, line, reason, end):
    good = "" if end == "\n" else "\n".join(rows_of(GOOD))
    (bad,) = read(f"Grid 01\n{grid}{end}{good}\n\n{GOOD}\n", skip_bad=True).skipped
    assert bad.line == line
    assert bad.reason.startswith(reason)


def test_puzzle_on_one_line_ends_an_unfinished_grid(read):
    file = read(f"1234\n3412\n{GOOD}\n", skip_bad=True)
    assert file.lines.tolist() == [3]
    assert [bad.line for bad in file.skipped] == [1]


OTHER_BOARDS = {
    "numbers": ("5 12 0 16 1 2 3 4 0 0 0 0 0 0 0 0", "16 numbers of up to two digits; boards are 4×4, 6×6, 9×9"),
    "numbers in boxes": (" 5 12 0 16 | 1 2 3 4 | 0 0 0 0 | 0 0 0 0 ", "16 numbers of up to two digits; boards are"),
    "letters in boxes": ("A . . B | 1 2 3 4 | . . . . | . . . .", "16 cells between bars, where a row has 4, 6 or 9"),
    "letters": ("A..B1234........", "'A' at cell 1 is neither .* row of a 16×16 board it cannot be read"),
    "16×16 on one line": ("." * 256, r"256 cells \(a 16×16 board\?\)"),
    "25×25 on one line": ("." * 625, r"625 cells \(a 25×25 board\?\)"),
}


@pytest.mark.parametrize(("text", "reason"), OTHER_BOARDS.values(), ids=OTHER_BOARDS)
def test_other_boards_are_refused_by_name(read, text, reason):
    with pytest.raises(ValueError, match=reason):
        read(f"{text}\n{GOOD}\n")
    assert read(f"{text}\n{GOOD}\n", skip_bad=True).lines.tolist() == [2]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04" + b"\0" * 100, "is a zip archive, and not text; unpack it first"),
        (b"BZh91AY&SY", "is compressed by bzip2"),
        (b"\xfd7zXZ\0", "is compressed by xz"),
        (b"\x28\xb5\x2f\xfd\0", "is compressed by zstd"),
        (b"PAR1\0\0", "is a Parquet file, .*; convert it to CSV"),
        (b"\xff\xfe" + GOOD.encode("utf-16-le"), "is UTF-16 text, and not UTF-8; save it as UTF-8"),
        (f'{{"puzzle": "{GOOD}"}}\n'.encode(), "JSON"),
        (f"<puzzle>{GOOD}</puzzle>\n".encode(), "XML or HTML"),
    ],
)
def test_other_formats_are_refused_by_name(read, content, reason):
    with pytest.raises(ValueError, match=reason):
        read(content)


@pytest.mark.parametrize(
    "content", [b"\x00" * 100_000, b"\x1f\x8b" + b"\0" * 40, b",\n" * 50, b'"' * 5000, b"\xff" * 9]
)
def test_binary_rubbish_is_refused_in_words(read, content):
    with pytest.raises(ValueError, match="holds no puzzle"):
        read(content)
