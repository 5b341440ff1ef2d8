"""The figures of a summary row."""

import numpy as np
import pytest
import torch

from adaptive_diffusion.evaluation.accuracy import distinct_share, fingerprints, summarise


def test_summary_has_means_of_grades_and_costs():
    grades = {"correct": torch.tensor([1.0, 0, 1, 1]), "score": torch.tensor([0.5, 0, 1, torch.nan])}
    assert summarise(torch.tensor([10, 1, 2, 3]), grades, torch.tensor([40, 4, 8, 12])) == {
        "correct": 0.75,
        "score": 0.5,
        "nfe_mean": 4.0,
        "nfe_p95": 10.0,
        "nfe_max": 10.0,
        "token_forwards_mean": 16.0,
        "queries": 4,
    }


def test_figure_that_nothing_decides_is_null():
    assert summarise(torch.tensor([3]), {"valid": torch.tensor([torch.nan])})["valid"] is None


@pytest.mark.parametrize("queries", [1, 19, 20, 21, 100, 2000])
def test_the_95th_percentile_is_enough_for_95_percent_and_no_less_is(queries: int):
    nfe = torch.from_numpy(np.random.default_rng(queries).permutation(queries))
    p95 = summarise(nfe, {})["nfe_p95"]
    assert p95 is not None
    assert (nfe <= p95).double().mean() >= 0.95
    assert (nfe < p95).double().mean() < 0.95


def test_no_answers_are_refused():
    with pytest.raises(ValueError, match="no answers"):
        summarise(torch.tensor([]), {})


def test_answers_are_distinct_where_something_was_to_be_written():
    answers = torch.tensor([[1, 2, 3], [7, 2, 3], [1, 2, 4], [1, 2, 3]])
    editable = torch.tensor([[False, True, True]]).expand(4, 3)
    assert distinct_share(fingerprints(answers, editable)) == 0.5
    same = fingerprints(answers[:1].expand(200, 3), editable[:1].expand(200, 3))
    assert distinct_share(same) == 1 / 200
