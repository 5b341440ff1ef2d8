"""Rows in groups."""

import pyarrow as pa
import pytest

from adaptive_diffusion.analysis.allocation import allocation, bucket_labels

GUESSES = (0, 1, 3, 7)


def rows(**columns: list) -> pa.Table:
    count = len(next(iter(columns.values())))
    return pa.table({"nfe": list(range(count)), "exact": [True] * count, **columns})


def test_groups_begin_at_their_edges():
    groups = allocation(rows(difficulty=[0.0, 0.0, 1.0, 2.0, 3.0, 6.0, 7.0, 40.0]), "difficulty", GUESSES)
    assert [(group.label, group.queries, group.nfe.value) for group in groups] == [
        ("0", 2, 0.5),
        ("1–2", 2, 2.5),
        ("3–6", 2, 4.5),
        ("7+", 2, 6.5),
    ]


def test_an_empty_group_is_left_out():
    assert [group.label for group in allocation(rows(difficulty=[0.0, 9.0]), "difficulty", GUESSES)] == [
        "0",
        "7+",
    ]


def test_words_and_few_values_are_groups_by_themselves():
    assert [group.label for group in allocation(rows(halt_reason=["b", "a", "a"]), "halt_reason")] == ["a", "b"]
    assert [group.label for group in allocation(rows(clues=[8, 6, 8]), "clues")] == ["6", "8"]


def test_many_numbers_are_quartered():
    groups = allocation(rows(clues=list(range(100))), "clues")
    assert [group.label for group in groups] == ["0–23", "24–48", "49–73", "74+"]
    assert sum(group.queries for group in groups) == 100


def test_groups_below_zero_are_named_with_a_word():
    assert bucket_labels([-6, -2, 0, 4]) == ["-6 to -3", "-2 to -1", "0–3", "4+"]


def test_rows_without_a_value_or_a_verdict_are_not_made_up():
    (group,) = allocation(rows(difficulty=[None, 1.0], exact=[None, None]), "difficulty")
    assert (group.queries, group.exact) == (1, None)


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no column 'hardness'; they have nfe, exact, clues"):
        allocation(rows(clues=[1]), "hardness")


def test_numbers_with_fractions_are_labelled_by_both_ends():
    assert bucket_labels([0, 0.5], integers=False) == ["0 to 0.5", "0.5+"]
