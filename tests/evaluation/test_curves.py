"""Comparisons at equal cost and at equal accuracy."""

import numpy as np
import pytest
from synthetic_traces import Row, commit, header, record

from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.curves import gain_at_equal_nfe, nfe_ratio_at_equal_accuracy


def setting(name: str, nfe: list[int], correct: list[int], query: list[int] | None = None) -> ScoredAnswers:
    return ScoredAnswers(name, name, np.array(query or range(len(nfe))), np.array(nfe), np.array(correct, float))


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


def test_answers_are_read_from_a_trace(tmp_path):
    rows = [Row([-1], [[commit(0, 1)]], [1], query=4), Row([-1], [[], [commit(0, 1)]], [2], query=5)]
    read = ScoredAnswers.of(record(tmp_path, rows, described=header(family="f", sampler="f_2")))
    assert (read.query.tolist(), read.nfe.tolist(), read.quality.tolist()) == ([4, 5], [1, 2], [1, 0])
    assert (read.name, read.family, read.judged) == ("f_2", "f", True)
    assert not ScoredAnswers.of(record(tmp_path, [Row([-1], [[commit(0, 1)]])])).judged


def test_quality_is_the_score_where_that_is_the_headline(tmp_path):
    described = header(headline="score")
    trace = record(tmp_path, [Row([-1], [[commit(0, 1)]], [1], valid=False)], described=described)
    assert ScoredAnswers.of(trace).quality.tolist() == [0.0]
