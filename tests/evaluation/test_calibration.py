"""Ranking and calibration of solved-at-halt, against torchmetrics and by hand."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_auroc, binary_calibration_error

from adaptive_diffusion.evaluation.calibration import auroc, calibration_error, reliability
from adaptive_diffusion.evaluation.intervals import bootstrap


def halted(queries: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    probability = rng.beta(4, 1, queries).round(2)
    return probability, rng.random(queries) < probability**2


def test_auroc_and_calibration_error_are_those_of_torchmetrics():
    probability, solved = halted()
    expected = torch.from_numpy(probability), torch.from_numpy(solved).long()
    ranking, error = (bootstrap(statistic, probability, solved) for statistic in (auroc, calibration_error))
    assert ranking.value == pytest.approx(binary_auroc(*expected).item())
    assert error.value == pytest.approx(binary_calibration_error(*expected, n_bins=15).item(), abs=1e-6)
    assert ranking.low < ranking.value < ranking.high


def test_a_head_that_always_solves_has_no_auroc():
    columns = np.array([0.5, 0.9]), np.array([True, True])
    assert np.isnan(bootstrap(auroc, *columns).value)
    assert bootstrap(calibration_error, *columns).value == pytest.approx(0.3)


def test_reliability_leaves_out_empty_bins():
    points = reliability(np.array([0.05, 0.15, 1.0, 0.95]), np.array([0, 1, 1, 0]), bins=10)
    assert points.count.tolist() == [1, 1, 2]
    assert points.solved.tolist() == [0, 1, 0.5]
    assert points.probability == pytest.approx([0.05, 0.15, 0.975])


def test_a_logit_is_no_probability():
    with pytest.raises(ValueError, match=r"found -3\.0 to 2\.0"):
        reliability(np.array([-3.0, 2.0]), np.array([0, 1]))
