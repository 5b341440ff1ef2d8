"""The figures are drawn for what there is, and say what their axes are."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from synthetic_traces import Row, commit, record, simulate

from adaptive_diffusion.analysis.figures import KINDS, pareto_front, write_figures
from adaptive_diffusion.analysis.layout import GridLayout, TextLayout
from adaptive_diffusion.analysis.metrics import SamplerMetrics, measure
from adaptive_diffusion.analysis.style import DARK, LIGHT, colour, svg, themed
from adaptive_diffusion.evaluation.intervals import Interval

SUDOKU = GridLayout.sudoku(4)
MAPS = ("commit_order", "revisions")


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> list[SamplerMetrics]:
    folder: Path = tmp_path_factory.mktemp("traces")
    return [
        measure("threshold_0.9", simulate(folder / "threshold", 30, side=4)),
        measure("learned", simulate(folder / "learned", 30, side=4, finds=0.5, mistake=0.05, learned=True)),
    ]


def test_every_figure_is_written_as_png_and_svg(measures: list[SamplerMetrics], tmp_path: Path):
    paths = write_figures(measures, SUDOKU, tmp_path)
    assert [path.name for path in paths] == [f"{kind.name}.{end}" for kind in KINDS for end in ("png", "svg")]
    assert all(min(Image.open(path).size) > 200 for path in paths if path.suffix == ".png")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name not in MAPS], ids=lambda kind: kind.name)
def test_axes_are_named(measures: list[SamplerMetrics], kind):
    figure = kind.draw(measures, SUDOKU)
    assert figure.axes[-1].get_xlabel()
    assert all(axes.get_ylabel() for axes in figure.axes)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name in MAPS], ids=lambda kind: kind.name)
def test_maps_say_what_their_colours_are(measures: list[SamplerMetrics], kind):
    assert "colour: " in kind.draw(measures, SUDOKU).get_supxlabel()


def test_the_grey_steps_join_the_samplers_that_no_cheaper_one_equals():
    def sampler(nfe, exact):
        return SimpleNamespace(nfe=Interval(nfe, nfe, nfe), exact=Interval(exact, exact, exact))

    dominated = [sampler(3, 0.4), sampler(5, 0.9)]
    assert pareto_front([*dominated, sampler(2, 0.5), sampler(4, 0.9), sampler(6, 0.95)]) == (
        [2, 4, 6],
        [0.5, 0.9, 0.95],
    )


def test_the_same_numbers_give_the_same_bytes_and_another_ground_does_not(measures: list[SamplerMetrics]):
    drawn = []
    for theme in (LIGHT, LIGHT, DARK):
        with themed(theme):
            drawn.append(svg(KINDS[0].draw(measures, SUDOKU)))
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(colour("learned").encode() in picture for picture in drawn)


def test_what_a_trace_cannot_tell_is_not_drawn(tmp_path: Path):
    text = measure(
        "text", record(tmp_path / "trace", [Row([-1, 1], [[commit(0, 1)]], query=query) for query in range(2)])
    )
    paths = write_figures([text], TextLayout({1: "word"}), tmp_path)
    assert {path.stem for path in paths} == {"nfe_histogram", "commit_order"}


def test_no_window_is_needed(measures: list[SamplerMetrics], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MPLBACKEND", "nonexistent")
    with themed(LIGHT):
        assert svg(KINDS[0].draw(measures, SUDOKU)).startswith(b"<?xml")
