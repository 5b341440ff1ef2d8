"""The figures of a summary row."""

import numpy as np
import pytest
import torch

from adaptive_diffusion.evaluation.accuracy import SamplerSummary


def test_a_summary_has_rates_and_costs():
    summary = SamplerSummary()
    summary.update(torch.tensor([1, 2, 3]), torch.tensor([True, False, True]), torch.tensor([True, True, True]))
    summary.update(torch.tensor([10]), torch.tensor([False]), torch.tensor([False]))
    assert summary.compute() == {
        "exact": 0.5,
        "valid": 0.75,
        "nfe_mean": 4.0,
        "nfe_p95": 10.0,
        "nfe_max": 10.0,
        "queries": 4,
    }


def test_a_task_without_a_target_has_no_exact_rate():
    summary = SamplerSummary()
    summary.update(torch.tensor([3]))
    assert summary.compute()["exact"] is None
    assert summary.compute()["valid"] is None


@pytest.mark.parametrize("queries", [1, 19, 20, 21, 100, 2000])
def test_the_95th_percentile_is_enough_for_95_percent_and_no_less_is(queries: int):
    nfe = torch.from_numpy(np.random.default_rng(queries).permutation(queries))
    summary = SamplerSummary()
    summary.update(nfe)
    p95 = summary.compute()["nfe_p95"]
    assert p95 is not None
    assert (nfe <= p95).double().mean() >= 0.95
    assert (nfe < p95).double().mean() < 0.95


def test_no_queries_are_refused():
    with pytest.raises(ValueError, match="no queries"), pytest.warns(UserWarning, match="before the ``update``"):
        SamplerSummary().compute()
