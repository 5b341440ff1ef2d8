"""Comparisons at equal cost and at equal accuracy."""

import numpy as np
import pytest
from synthetic_traces import Row, commit, record

from adaptive_diffusion.evaluation.curves import Setting, gain_at_equal_nfe, nfe_ratio_at_equal_accuracy


def setting(name: str, nfe: list[int], exact: list[int], query: list[int] | None = None) -> Setting:
    return Setting(name, np.array(query or range(len(nfe))), np.array(nfe), np.array(exact, bool))


POLICY = setting("learned", [1, 2, 3, 4], [1, 1, 1, 0])
CHEAP = setting("cheap", [2, 2, 2, 2], [1, 1, 1, 1])
NEAR = setting("near", [3, 3, 3, 3], [1, 0, 1, 0])
DEAR = setting("dear", [9, 9, 9, 9], [1, 1, 1, 1])


def test_the_baseline_is_the_cheapest_that_is_not_cheaper():
    gain = gain_at_equal_nfe(POLICY, [DEAR, CHEAP, NEAR])
    assert gain.baseline == "near"
    assert gain.interval is not None
    assert gain.interval.value == 0.25


def test_equal_mean_nfe_is_equal():
    same = setting("same", [4, 3, 2, 1], [0, 0, 0, 0])
    assert gain_at_equal_nfe(POLICY, [same, NEAR]).baseline == "same"


def test_no_baseline_that_spends_as_much_is_said():
    gain = gain_at_equal_nfe(POLICY, [CHEAP])
    assert (gain.baseline, gain.interval) == (None, None)
    assert gain.reason == "no baseline spends as much as learned, 2.50 NFE"


def test_queries_are_paired_by_id_and_variations_by_their_mean():
    gain = gain_at_equal_nfe(
        setting("ours", [1, 1, 1, 1], [1, 1, 1, 0], query=[7, 8, 7, 8]),
        [setting("theirs", [1, 1], [0, 1], query=[8, 7])],
    )
    assert gain.interval is not None
    assert gain.interval.value == pytest.approx(0.25)  # query 7: 1 − 1, query 8: ½ − 0


def test_other_queries_are_refused():
    with pytest.raises(ValueError, match="learned and other answered different queries"):
        gain_at_equal_nfe(POLICY, [setting("other", [9, 9, 9, 9], [1, 1, 1, 1], query=[1, 2, 3, 9])])


def test_at_equal_accuracy_the_cheapest_baseline_as_accurate_is_compared():
    ratio = nfe_ratio_at_equal_accuracy(POLICY, [DEAR, NEAR])
    assert ratio.baseline == "dear"
    assert ratio.interval is not None
    assert ratio.interval.value == pytest.approx(2.5 / 9)
    assert ratio.interval.low < 2.5 / 9 < ratio.interval.high
    assert nfe_ratio_at_equal_accuracy(POLICY, [NEAR]).reason == "no baseline is as accurate as learned, 75.00%"


def test_a_setting_is_read_from_the_rows_of_a_trace(tmp_path):
    rows = record(
        tmp_path, [Row([-1], [[commit(0, 1)]], [1], query=4), Row([-1], [[], [commit(0, 1)]], [2], query=5)]
    ).rows
    read = Setting.of("two", rows)
    assert (read.query.tolist(), read.nfe.tolist(), read.exact.tolist()) == ([4, 5], [1, 2], [True, False])
    with pytest.raises(ValueError, match="1 rows do not know"):
        Setting.of("none", record(tmp_path, [Row([-1], [[commit(0, 1)]])]).rows)
