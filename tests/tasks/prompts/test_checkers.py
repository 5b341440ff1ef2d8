"""Checkers grade the text of an answer from 0 to 1."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from adaptive_diffusion.tasks.prompts.checkers import CHECKERS, Exact, LastNumber, Numeric, Regex, ScoreAnswer, graded
from adaptive_diffusion.tasks.scores import named_checker


@pytest.mark.parametrize(
    ("checker", "answer", "reference", "score"),
    [
        ("exact", " 42 ", "42", 1),
        ("exact", "42.0", "42", 0),
        ("numeric", "42.0", "42", 1),
        ("numeric", "1,000", "1e3", 1),
        ("numeric", ".5", "0.50", 1),
        ("numeric", "12345678901234567890", "12345678901234567891", 0),
        ("numeric", "1e9999", "1e9999", 1),
        ("numeric", "about 42", "42", 0),
        ("numeric", "12,345.5", "12345.5", 1),
        ("numeric", "2,3", "23", 0),
        ("numeric", "1,,,5", "15", 0),
        ("numeric", "0,5", "5", 0),
        ("numeric", "", "42", 0),
        ("last_number", "40 + 2 is 42.", "#### 42", 1),
        ("last_number", "no number", "42", 0),
        ("last_number", "The roots are 2,3", "23", 0),
        ("last_number", "from 10-20", "20", 1),
        ("last_number", "from 10-20", "-20", 0),
        ("last_number", "It is -20.", "-20", 1),
        ("last_number", "It costs $1,234,567.", "1234567", 1),
        ("regex", "ab", "[ab]+", 1),
        ("regex", "abc", "[ab]+", 0),
    ],
)
def test_checkers_by_name(checker, answer, reference, score):
    assert graded(CHECKERS[checker], answer, {"prompt": "", "answer": reference}) == score


def test_numbers_within_the_tolerance_are_equal():
    row = {"answer": "100"}
    assert [Numeric(0.01)(text, row) for text in ("99", "101", "98.9")] == [1, 1, 0]
    assert LastNumber(0.01)("it is 99", row) == 1


def test_expression_of_the_config_or_of_the_row():
    row = {"answer": "cat", "pattern": "c.t"}
    assert [Regex()(text, row) for text in ("cot", "dog")] == [1, 0]
    assert Regex("d.*")("dog", row) == 1
    with pytest.raises(ValueError, match=r"'\(' is no regular expression"):
        Regex("(")


def test_expression_that_takes_too_long_does_not_match(monkeypatch):
    monkeypatch.setattr("adaptive_diffusion.tasks.prompts.checkers.LONGEST_MATCH", 0.001)
    assert Regex(r"(\w+\w+)+:")("a" * 5_000, {"answer": ""}) == 0


@given(answer=some.text(), reference=some.text(min_size=1))
def test_no_answer_stops_a_checker(answer, reference):
    for name in ("exact", "numeric", "last_number", "regex"):
        assert 0 <= graded(CHECKERS[name], answer, {"prompt": "", "answer": reference}) <= 1


def test_answer_that_a_checker_cannot_read_scores_nothing():
    close = lambda answer, row: 1 - abs(float(answer) - float(row["answer"])) / 10  # noqa: E731
    assert graded(close, "4", {"answer": "5"}) == 0.9
    assert graded(close, "four", {"answer": "5"}) == 0


@pytest.mark.parametrize("score", [1.5, -1, float("nan"), None, "1"])
def test_score_outside_its_range_names_answer_and_prompt(score):
    with pytest.raises(ValueError, match="for the answer 'a' to 'b'; a score is a number in 0..1"):
        graded(lambda answer, row: score, "a", {"prompt": "b", "answer": "c"})


def test_column_that_a_checker_misses_is_named():
    with pytest.raises(ValueError, match="the checker needs 'cases', and the row has answer"):
        graded(lambda answer, row: row["cases"], "a", {"answer": "c"})


def test_checker_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="there is no checker 'fuzzy'; name one of exact, numeric"):
        named_checker("fuzzy", CHECKERS, "my_checkers.close")
    assert named_checker(exact := Exact(), CHECKERS, "my_checkers.close") is exact


def test_generator_of_reasoning_gym_grades_its_answers():
    pytest.importorskip("reasoning_gym")
    row = {"prompt": "", "answer": "12", "metadata": {}}
    checker = ScoreAnswer("basic_arithmetic")
    assert [graded(checker, text, row) for text in ("12", "13")] == [1, 0]
