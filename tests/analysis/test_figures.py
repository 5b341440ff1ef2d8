"""The figures are drawn for what there is, and say what their axes are."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from synthetic_traces import Row, commit, header, record, simulate

from adaptive_diffusion.analysis.colours import colour
from adaptive_diffusion.analysis.figures import KINDS, mixed_settings, write_figures
from adaptive_diffusion.analysis.metrics import SamplerMetrics, measure
from adaptive_diffusion.analysis.style import DARK, LIGHT, svg, themed
from adaptive_diffusion.evaluation.intervals import Interval

MAPS = ("commit_order", "revisions")
SETTINGS = [(1, 0.5), (4, 0.6), (5, 0.9), (9, 0.8)]


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> list[SamplerMetrics]:
    folder: Path = tmp_path_factory.mktemp("traces")
    return [
        measure("threshold_0.9", simulate(folder / "threshold", 30, side=4, family="threshold")),
        measure("learned", simulate(folder / "learned", 30, side=4, finds=0.5, mistake=0.05, learned=True)),
    ]


def test_every_figure_is_written_as_png_and_svg(measures: list[SamplerMetrics], tmp_path: Path):
    paths = write_figures(measures, tmp_path)
    assert [path.name for path in paths] == [f"{kind.name}.{end}" for kind in KINDS for end in ("png", "svg")]
    assert all(min(Image.open(path).size) > 200 for path in paths if path.suffix == ".png")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name not in MAPS], ids=lambda kind: kind.name)
def test_axes_are_named(measures: list[SamplerMetrics], kind):
    figure = kind.draw(measures)
    assert figure.axes[-1].get_xlabel()
    assert all(axes.get_ylabel() for axes in figure.axes)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name in MAPS], ids=lambda kind: kind.name)
def test_maps_say_what_their_colours_are(measures: list[SamplerMetrics], kind):
    assert "colour: " in kind.draw(measures).get_supxlabel()


def test_line_of_a_rule_is_what_mixing_its_settings_gives():
    points = [SimpleNamespace(nfe=Interval(*[nfe] * 3), quality=Interval(*[right] * 3)) for nfe, right in SETTINGS]
    nfe, quality = mixed_settings(points)
    assert (nfe[0], nfe[-1]) == (1, 9)
    assert quality[[0, -1]].tolist() == [0.5, 0.9]
    assert quality[nfe == 4] == pytest.approx(0.5 + 0.4 * 3 / 4)  # above the setting at 4, on the way from 1 to 5


def test_the_same_numbers_give_the_same_bytes_and_another_ground_does_not(measures: list[SamplerMetrics]):
    drawn = []
    for theme in (LIGHT, LIGHT, DARK):
        with themed(theme):
            drawn.append(svg(KINDS[0].draw(measures)))
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(colour("learned").encode() in picture for picture in drawn)


def test_what_a_trace_cannot_tell_is_not_drawn(tmp_path: Path):
    text = measure(
        "text", record(tmp_path / "trace", [Row([-1, 1], [[commit(0, 1)]], query=query) for query in range(2)])
    )
    paths = write_figures([text], tmp_path)
    assert {path.stem for path in paths} == {"nfe_histogram", "commit_order"}


def test_no_window_is_needed(measures: list[SamplerMetrics], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MPLBACKEND", "nonexistent")
    with themed(LIGHT):
        assert svg(KINDS[0].draw(measures)).startswith(b"<?xml")


def test_settings_of_a_family_are_labelled_beside_their_points(tmp_path: Path):
    settings = [
        measure(f"careful_{value}", simulate(tmp_path / str(value), 20, per_step=value, family="careful"))
        for value in (2.0, 6.0)
    ]
    figure = KINDS[0].draw(settings)
    assert figure is not None
    assert [text.get_text() for text in figure.axes[0].texts] == ["2.0", "6.0"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["careful"]


def test_ticks_of_accuracies_that_are_all_zero_are_shares(tmp_path: Path):
    wrong = measure("x", record(tmp_path, [Row([-1], [[commit(0, 1)]], [2], query=query) for query in range(5)]))
    figure = KINDS[0].draw([wrong])
    assert figure is not None
    with themed(LIGHT):
        svg(figure)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert "0%" in labels
    assert all(0 <= float(label.rstrip("%")) <= 100 for label in labels if label)


def test_samplers_whose_queries_had_nothing_to_write_are_drawn(tmp_path: Path):
    solved, rest = Row([0, 1], [], [0, 1]), Row([0, -1], [[commit(1, 1)]], [0, 1], query=1)
    rows = {"fixed_1": [solved], "fixed_2": [solved], "fixed_4": [solved, rest]}
    traces = {name: record(tmp_path / name, found, described=header(family="fixed")) for name, found in rows.items()}
    assert write_figures([measure(name, trace) for name, trace in traces.items()], tmp_path / "figures")
