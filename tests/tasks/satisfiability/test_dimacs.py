"""DIMACS files of formulas: what is read, and how bad formulas are named."""

import gzip

import pytest
from file_readers import read_or_refused
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_diffusion.tasks.satisfiability import SatisfiabilityTask, Size

TASK = SatisfiabilityTask(Size(5, 4))
GOOD = "c a comment\np cnf 3 2\n1 -2 3 0\n-1 2 0\n"


def read(tmp_path, text, skip_bad=False):
    path = tmp_path / "formulas.cnf"
    path.write_text(text)
    return TASK.read(path, skip_bad)


def test_formula_with_fewer_variables_and_clauses_is_read(tmp_path):
    file = read(tmp_path, GOOD)
    assert file.problems.clauses[0].tolist() == [[-1, 2, 0], [1, -2, 3], [0, 0, 0], [0, 0, 0]]
    assert file.problems.assignment[0].tolist() == [False] * 5
    assert file.skipped == ()


def test_clauses_may_span_lines_and_satlib_ends_with_a_per_cent_sign(tmp_path):
    file = read(tmp_path, "p cnf 3 2\n1\n-2 3 0 -1\n2 0\n%\n0\n\n" + GOOD)
    assert len(file.problems) == 2
    assert file.problems.clauses[0].tolist() == file.problems.clauses[1].tolist()


def test_compressed_file_is_read(tmp_path):
    path = tmp_path / "formulas.cnf.gz"
    path.write_bytes(gzip.compress(GOOD.encode()))
    assert len(TASK.read(path, skip_bad=False).problems) == 1


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("p cnf 3\n1 0\n", 5, "'p cnf 3' is no header; write `p cnf"),
        ("p sat 3 1\n1 0\n", 5, "is no header"),
        ("p cnf 6 1\n1 0\n", 5, "6 variables and 1 clauses, where this task has 1 to 5"),
        ("p cnf 3 9\n1 0\n", 5, "3 variables and 9 clauses"),
        ("p cnf 3 1\n1 x 0\n", 6, "'x' is no whole number from 1"),
        ("p cnf 3 1\n1 --2 0\n", 6, "'-2' is no whole number from 1"),
        ("p cnf -9 1\n1 0\n", 5, "'-9' is no whole number from 1"),
        ("p cnf 3 1\n1 " + "7" * 30 + " 0\n", 6, f"'{'7' * 19}…' is no whole number from 1"),
        ("p cnf 3 1\n1 4 0\n", 6, "literal 4, where the header has 3 variables"),
        ("p cnf 5 1\n1 2 3 4 0\n", 6, "a clause of 4 literals; split it"),
        ("p cnf 3 1\n0\n", 6, "a clause without literals"),
        ("p cnf 3 1\n1 2\n", 5, "ends within a clause; end it with 0"),
        ("p cnf 3 2\n1 2 0\n", 5, "has 1 clauses, its header 2; correct one"),
        ("p cnf 1 2\n1 0\n-1 0\n", 5, "no assignment satisfies the formula"),
    ],
)
def test_bad_formula_is_named_with_line_and_reason_and_skipped_on_demand(tmp_path, text, line, reason):
    with pytest.raises(ValueError, match=f"line {line}: ") as caught:
        read(tmp_path, GOOD + text)
    assert reason in str(caught.value)
    file = read(tmp_path, GOOD + text, skip_bad=True)
    assert len(file.problems) == len(file.skipped) == 1


def test_literals_before_any_header_are_named(tmp_path):
    with pytest.raises(ValueError, match="line 1: '1' stands before any header"):
        read(tmp_path, "1 2 0\n" + GOOD)


def test_file_without_a_formula_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="holds no formula that can be satisfied"):
        read(tmp_path, "c nothing\n", skip_bad=True)


@settings(deadline=None, max_examples=60)
@given(
    content=st.text(alphabet="pcnf 1230-%\n", max_size=60).map(lambda text: "p cnf 3 1\n" + text)
    | st.binary(max_size=40)
)
def test_any_content_is_read_or_refused(tmp_path_factory, content):
    read_or_refused(TASK, tmp_path_factory.mktemp("any") / "formulas.cnf", content)
