"""The numbers of a figure as CSV."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from synthetic_traces import simulate

from adaptive_diffusion.analysis.figure_data import COLUMNS, figure_csv
from adaptive_diffusion.analysis.figures import KINDS
from adaptive_diffusion.analysis.metrics import SamplerMetrics, measure


def rows(figure: Figure) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(figure_csv(figure))))


def test_lines_bars_intervals_and_maps_are_rows():
    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.set_title("left", loc="left")
    left.plot([0, 1], [2, 3], color="red", label="a line")
    left.plot([5], [6], color="red")
    left.axvline(9)
    left.errorbar([1], [4], yerr=[[1], [2]], xerr=[[0.5], [0.5]], color="blue", label="_unlisted")
    right.set_ylabel("bars")
    right.bar([1, 2], [7, 8])
    right.imshow(np.array([[0.5, 1.5]]))
    assert [tuple(row[name] for name in COLUMNS) for row in rows(figure)] == [
        ("left", "unlisted", "1", "4", "3", "6"),
        ("left", "a line", "0", "2", "", ""),
        ("left", "a line", "1", "3", "", ""),
        ("left", "a line", "5", "6", "", ""),  # of that colour
        ("bars", "bars", "1", "7", "", ""),
        ("bars", "bars", "2", "8", "", ""),
        ("bars", "", "0", "0", "0.5", "0.5"),
        ("bars", "", "1", "0", "1.5", "1.5"),
    ]


@pytest.fixture(scope="module")
def measures(tmp_path_factory) -> list[SamplerMetrics]:
    folder: Path = tmp_path_factory.mktemp("traces")
    learned = simulate(folder / "learned", 60, mistake=0.05, finds=0.6, learned=True, seed=2)
    others = {f"threshold_{share}": share for share in (0.5, 0.9)}
    made = [measure("learned", learned, None)]
    return made + [
        measure(name, simulate(folder / name, 60, mistake=1 - share, seed=1, family="threshold"), None)
        for name, share in others.items()
    ]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_figure_of_a_report_has_its_numbers(kind, measures):
    figure = kind.figure(measures)
    assert figure is not None
    found = rows(figure)
    assert len(found) >= 3
    assert all(np.isfinite([float(row["x"]), float(row["y"])]).all() for row in found)


def test_points_of_the_accuracy_figure_have_the_names_and_values_of_their_samplers(measures):
    found = {row["series"]: row for row in rows(KINDS[0].figure(measures)) if row["y_low"]}
    for sampler in measures:
        row = found[
            "threshold" if sampler.name == "threshold_0.9" else sampler.name
        ]  # the family's name, in the legend
        assert float(row["x"]) == pytest.approx(sampler.nfe.value, rel=1e-5)
        values = [float(row[name]) for name in ("y_low", "y", "y_high")]
        assert sampler.quality is not None
        assert values == pytest.approx([sampler.quality.low, sampler.quality.value, sampler.quality.high], rel=1e-5)
