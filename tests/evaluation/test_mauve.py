"""One for the same distribution, near nought for disjoint ones."""

import numpy as np
import pytest

from adaptive_diffusion.evaluation.mauve import byte_features, mauve


def test_the_same_texts_have_one_and_disjoint_ones_hardly_anything():
    words = [f"def function_{i}(x): return {i}".encode() for i in range(40)]
    digits = [str(10**30 + i * 7919).encode() for i in range(40)]
    one, other = byte_features(words), byte_features(digits)
    assert mauve(one, one) == pytest.approx(1)
    assert mauve(one, other, clusters=4) < 0.1
    mixed = np.concatenate([one[:20], other[:20]])
    assert 0.1 < mauve(one, mixed, clusters=4) < 0.9


def test_it_does_not_matter_which_set_is_which():
    one = np.array([[0.0]] * 30 + [[9.0]] * 10)
    other = np.array([[0.0]] * 10 + [[9.0]] * 30)
    assert mauve(one, other, 2) == pytest.approx(mauve(other, one, 2))
    assert 0.1 < mauve(one, other, 2) < 0.9


def test_features_have_unit_length_and_know_their_text():
    features = byte_features([b"abc", b"abd", b"abc"])
    assert np.allclose((features**2).sum(1), 1)
    assert np.array_equal(features[0], features[2])
    assert not np.array_equal(features[0], features[1])


def test_a_single_text_is_refused():
    with pytest.raises(ValueError, match="at least 2 each"):
        mauve(np.zeros((1, 2)), np.zeros((5, 2)))
