"""The picture of accuracy against forwards beside the slider."""

import json
import re
from itertools import pairwise

import pytest

from adaptive_diffusion.playground.curve import between, measured, picture, points


def test_curve_has_the_point_of_the_slider_between_its_neighbours(tmp_path):
    rows = [
        {"sampler": "threshold_0.5", "family": "threshold", "nfe_mean": 2.0, "correct": 0.5},
        {"sampler": "threshold_0.9", "family": "threshold", "nfe_mean": 4.0, "correct": 0.9},
        {"sampler": "limited_0.5_3", "family": "limited", "nfe_mean": 3.0, "correct": 0.8},
        {"sampler": "unmeasured", "family": "unmeasured", "nfe_mean": 3.0, "correct": None},
    ]
    found = points(rows)
    assert [point.setting for point in found] == [0.5, 0.9, None]
    middle = between(found[:2], 0.7)
    assert middle is not None
    assert (middle.nfe, middle.correct) == (pytest.approx(3.0), pytest.approx(0.7))
    assert between(found[:2], 0.9) == found[1]
    assert between(found[:2], 0.95) is None
    assert between(found[2:], 0.5) is None
    html = picture(found, [("threshold", 0.7, 0.9), ("limited", 0.5, 0.5)])
    assert "threshold at 0.7: 70.0% correct at 3.00 mean NFE" in html
    assert html.count('class="here"') == 2  # measured as its config has it
    assert "limited: this setting was not measured" in picture(found, [("limited", 0.1, 0.5)])
    (tmp_path / "summary.json").write_text(json.dumps({"samplers": rows}))
    assert measured(tmp_path, {}) == found
    assert measured(tmp_path / "none", {"curves": rows}) == found
    (tmp_path / "summary.json").write_text("{")
    assert measured(tmp_path, {"curves": rows}) == []
    assert "No accuracy was measured" in picture([], [])


@pytest.mark.parametrize(
    ("accuracies", "named"),
    [((0.15, 0.47), ["20%", "30%", "40%"]), ((0.16, 0.16), ["16%"]), ((0.62, 0.64), ["62%", "64%"])],
)
def test_axis_of_accuracy_has_numbers_whatever_the_range(accuracies, named):
    rows = [
        {"sampler": f"fixed_{n}", "family": "fixed", "nfe_mean": n, "correct": c} for n, c in enumerate(accuracies, 4)
    ]
    assert re.findall(r'text-anchor="end">([^<]*)<', picture(points(rows), [])) == named


@pytest.mark.parametrize("pair", [("p2", "mdlm"), ("learned", "threshold"), ("p2", "p2")])
def test_two_samplers_have_two_colours(pair):
    rows = [
        {"sampler": f"{family}_{nfe}", "family": family, "nfe_mean": nfe, "correct": nfe / 20}
        for family in set(pair)
        for nfe in (4, 8)
    ]
    html = picture(points(rows), [(family, 8.0, 8.0) for family in pair])
    colours = re.findall(r'class="here"[^>]*fill="(#\w+)"', html)
    assert len(colours) == 2
    assert len(set(colours)) == len(set(pair))


def test_numbers_of_the_axis_of_accuracy_do_not_overlap():
    rows = [{"sampler": f"fixed_{n}", "family": "fixed", "nfe_mean": n, "correct": c} for n, c in ((4, 0.0), (8, 1.0))]
    heights = [float(y) for y in re.findall(r'y="([\d.]+)" text-anchor="end"', picture(points(rows), []))]
    assert min(low - high for low, high in pairwise(heights)) >= 16
