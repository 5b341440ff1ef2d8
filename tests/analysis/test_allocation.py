"""Rows in groups."""

import pyarrow as pa
import pytest
from synthetic_traces import header

from adaptive_diffusion.analysis.allocation import GroupingColumn, allocation, bucket_labels, grouping_column
from adaptive_diffusion.core.measures import AnswerMeasure, Difficulty

GUESSES = GroupingColumn("difficulty.guesses", "guesses", (0, 1, 3, 7))
CLUES = GroupingColumn("clues", "clues")


def rows(**columns: list) -> pa.Table:
    count = len(next(iter(columns.values())))
    named = {name.replace("__", "."): values for name, values in columns.items()}
    return pa.table({"nfe": list(range(count)), "quality": [1.0] * count, **named})


def test_groups_begin_at_their_edges():
    groups = allocation(rows(difficulty__guesses=[0.0, 0.0, 1.0, 2.0, 3.0, 6.0, 7.0, 40.0]), GUESSES)
    assert [(group.label, group.queries, group.nfe.value) for group in groups] == [
        ("0", 2, 0.5),
        ("1–2", 2, 2.5),
        ("3–6", 2, 4.5),
        ("7+", 2, 6.5),
    ]


def test_an_empty_group_is_left_out():
    assert [group.label for group in allocation(rows(difficulty__guesses=[0.0, 9.0]), GUESSES)] == ["0", "7+"]


def test_words_and_few_values_are_groups_by_themselves():
    reasons = GroupingColumn("halt_reason", "halt reason")
    assert [group.label for group in allocation(rows(halt_reason=["b", "a", "a"]), reasons)] == ["a", "b"]
    assert [group.label for group in allocation(rows(clues=[8, 6, 8]), CLUES)] == ["6", "8"]


def test_many_numbers_are_quartered():
    groups = allocation(rows(clues=list(range(100))), CLUES)
    assert [group.label for group in groups] == ["0–23", "24–48", "49–73", "74+"]
    assert sum(group.queries for group in groups) == 100


def test_numbers_are_shown_with_the_decimals_of_their_measure():
    surprise = GroupingColumn("surprise", "surprise", None, 1)
    groups = allocation(rows(surprise=[4.149746894836426 * number for number in range(40)]), surprise)
    assert [group.label for group in groups] == ["0 to 37.3", "37.3 to 78.8", "78.8 to 120.3", "120.3+"]


def test_groups_below_zero_are_named_with_a_word():
    assert bucket_labels([-6, -2, 0, 4]) == ["-6 to -3", "-2 to -1", "0–3", "4+"]


def test_rows_without_a_value_or_a_quality_are_not_made_up():
    (group,) = allocation(rows(difficulty__guesses=[None, 1.0], quality=[None, None]), GUESSES)
    assert (group.queries, group.quality) == (1, None)


def test_columns_are_named_without_their_prefix():
    described = header(
        difficulties=(Difficulty("blanks", "blank positions", (0, 5), 2),),
        columns=(AnswerMeasure("overlap", "overlap with the reference", True, 1),),
    )
    table = rows(difficulty__blanks=[1.0], column__overlap=[0.5], halt_reason=["a"])
    blanks = GroupingColumn("difficulty.blanks", "blank positions", (0, 5), 2)
    assert (
        grouping_column(table, described, "blanks") == grouping_column(table, described, "difficulty.blanks") == blanks
    )
    assert grouping_column(table, described, "overlap").title == "overlap with the reference"
    assert grouping_column(table, described, "halt_reason") == GroupingColumn("halt_reason", "halt reason")
    with pytest.raises(ValueError, match="no column 'hardness'; they have nfe, quality, blanks, overlap, halt_reason"):
        grouping_column(table, described, "hardness")


def test_numbers_with_fractions_are_labelled_by_both_ends():
    assert bucket_labels([0, 0.5], integers=False) == ["0 to 0.5", "0.5+"]
