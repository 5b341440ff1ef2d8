"""How much variations differ, by hand."""

import math

import pytest
import torch

from adaptive_diffusion.evaluation.diversity import diversity


def test_pairs_are_compared_place_by_place():
    found = diversity(torch.tensor([[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 4], [9, 9, 9, 9]]))
    assert found.distinct == 3
    # Pairs: 1/4, 0, 1, 1/4, 1, 1.
    assert found.difference == pytest.approx(3.5 / 6)


def test_one_variation_has_no_pairs():
    found = diversity(torch.tensor([[1, 2]]))
    assert found.distinct == 1
    assert math.isnan(found.difference)
