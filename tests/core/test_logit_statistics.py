"""Statistics of logits, by hand."""

import math

import pytest
import torch
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.logit_statistics import CurrentTokenProbability, Entropy, Top
from adaptive_diffusion.core.prediction import Logits


def logits(probabilities, tokens=None):
    """Logits, shifted by a constant that must not change any statistic, at the positions of one row of `tokens`."""
    values = torch.tensor(probabilities).log() + 3.0
    count = len(values)
    state = sampler_state([tokens or [9] * count])
    return Logits(values, state, torch.zeros(count, dtype=torch.int64), torch.arange(count))


def test_top_gives_the_best_token_its_probability_and_its_margin():
    read = Top()(logits([[0.2, 0.7, 0.1], [0.5, 0.25, 0.25]]))
    assert read["argmax"].tolist() == [1, 0]
    torch.testing.assert_close(read["confidence"], torch.tensor([0.7, 0.5]))
    torch.testing.assert_close(read["margin"], torch.tensor([0.5, 0.25]))


def test_a_tie_has_no_margin():
    torch.testing.assert_close(Top()(logits([[0.5, 0.5]]))["margin"], torch.tensor([0.0]), rtol=0, atol=1e-7)


def test_entropy_is_in_nats_and_survives_impossible_tokens():
    read = Entropy()(logits([[0.25] * 4, [0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]))["entropy"]
    torch.testing.assert_close(read, torch.tensor([math.log(4), math.log(2), 0.0]), atol=1e-6, rtol=0)


def test_the_entropy_of_a_sharp_prediction_keeps_its_digits():
    p = 1e-6
    read = Entropy()(logits([[1 - p, p]]))["entropy"]
    exact = -(1 - p) * math.log(1 - p) - p * math.log(p)
    torch.testing.assert_close(read, torch.tensor([exact]), rtol=0.01, atol=0)


def test_the_standing_token_is_weighed_and_a_mask_counts_nothing():
    read = CurrentTokenProbability()(logits([[0.2, 0.7, 0.1], [0.2, 0.7, 0.1], [0.2, 0.7, 0.1]], tokens=[1, 3, 2]))
    torch.testing.assert_close(read["current_token_probability"], torch.tensor([0.7, 0.0, 0.1]))


def test_equal_statistics_are_one():
    assert len(dict.fromkeys((Top(), Top(), Entropy(), CurrentTokenProbability(), Entropy()))) == 3


def test_a_missing_summary_is_named_with_what_there_is():
    with pytest.raises(ValueError, match="no summary 'quality', only confidence, margin; declare its statistic"):
        prediction((1, 2), margin=torch.zeros(1, 2), confidence=torch.zeros(1, 2))["quality"]
