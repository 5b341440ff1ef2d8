"""Scales on which good samplers are distinct."""

import numpy as np
import pytest

from adaptive_diffusion.analysis.scales import accuracy, doublings
from adaptive_diffusion.analysis.style import new_axes


@pytest.fixture
def axes():
    return new_axes()[1]


def heights(axes, shares):
    return axes.transData.transform(np.array([[1, share] for share in shares]))[:, 1]


def test_every_halving_of_the_wrong_answers_is_equally_far(axes):
    accuracy(axes, queries=10_000)
    axes.set_ylim(0.5, 0.9999)
    steps = np.diff(heights(axes, [0.6, 0.8, 0.9, 0.95, 0.975]))
    assert steps == pytest.approx(steps[0])
    assert steps[0] > 0


def test_no_answer_wrong_stands_at_half_a_query(axes):
    accuracy(axes, queries=50)
    top, half = heights(axes, [1.0, 0.99])
    assert top == pytest.approx(half)


def test_every_doubling_is_equally_far_on_either_axis(axes):
    doublings(axes.xaxis)
    doublings(axes.yaxis)
    axes.set(xlim=(1, 32), ylim=(1, 32))
    steps = np.diff(axes.transData.transform([(1, 1), (2, 2), (4, 4), (8, 8)]), axis=0)
    assert steps == pytest.approx(np.tile(steps[0], (3, 1)))


def test_samplers_that_lie_between_two_halvings_have_ticks(axes):
    accuracy(axes, queries=400)
    axes.plot([4, 8], [0.15, 0.2])
    axes.figure.canvas.draw()
    assert {"15%", "18%"} <= {label.get_text() for label in axes.get_yticklabels()}


@pytest.mark.parametrize("nfe", [1, 9, 55.153])
@pytest.mark.parametrize("share", [0, 0.37, 0.9, 1])
def test_single_point_stands_inside_the_axes_with_its_own_numbers(axes, nfe, share):
    doublings(axes.xaxis)
    accuracy(axes, queries=1000)
    axes.errorbar(nfe, share, xerr=[[0], [0]], yerr=[[0], [0]], marker="o", linestyle="none")
    axes.figure.canvas.draw()
    low, high = axes.get_xlim()
    assert low < nfe / 1.3 < nfe * 1.3 < high < 4 * low
    x, y = axes.transAxes.inverted().transform(axes.transData.transform((nfe, share)))
    assert 0.04 < x < 0.96
    assert 0.04 < y < 0.96
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert len(set(ticks)) == len(ticks)
    assert share < 1 or "100%" in {label.get_text() for label in axes.get_yticklabels()}


def test_ticks_are_plain_numbers(axes):
    doublings(axes.xaxis)
    accuracy(axes, queries=2000)
    axes.plot([1, 3, 24], [0.7, 0.99, 0.9995])
    axes.figure.canvas.draw()
    assert {"1", "1.5", "2", "24"} <= {label.get_text() for label in axes.get_xticklabels()}
    assert {"90%", "99.5%"} <= {label.get_text() for label in axes.get_yticklabels()}
