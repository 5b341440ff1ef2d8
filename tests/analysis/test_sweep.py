"""The figure, the names and the table of a sweep."""

from pathlib import Path

from adaptive_diffusion.analysis.settings import setting_names
from adaptive_diffusion.analysis.sweep import sweep_figure, write_sweep_figure
from adaptive_diffusion.analysis.tables import rules_table, sweep_table


def figure(value: float) -> dict:
    return {"value": value, "low": value - 0.01, "high": None}


def row(setting: list[str], correct: float, nfe: float, sampler: str = "learned") -> dict:
    found = {"setting": setting, "sampler": sampler, "family": sampler, "seeds": ["0"], "over_first": None}
    return {**found, "correct": figure(correct), "nfe_mean": figure(nfe)}


ROWS = [
    row(["slots=8", "pace.threshold=0.8"], 0.9, 2.0),
    row(["slots=8", "pace.threshold=0.9"], 0.95, 3.0),
    row(["slots=8", "pace.threshold=0.9"], 0.5, 1.5, "p2"),
]


def test_settings_are_named_by_what_they_do_not_share():
    assert setting_names([["a=1", "b=2"], ["a=1", "b=3"]]) == ["b=2", "b=3"]
    assert setting_names([["a=1"]]) == ["a=1"]
    assert setting_names([[]]) == ["no change"]
    assert setting_names([["a=1"], ["a=1", "b=2"]]) == ["no change", "b=2"]


def test_constant_overrides_are_in_the_note_and_not_in_every_line():
    table = sweep_table(ROWS)
    assert [cells[:2] for cells in table.rows] == [
        ["pace.threshold=0.8", "learned"],
        ["pace.threshold=0.9", "learned"],
        ["pace.threshold=0.9", "p2"],
    ]
    assert table.note.endswith("All with slots=8.")


def test_a_sweep_has_a_figure_with_a_point_for_every_setting(tmp_path: Path):
    drawn = sweep_figure(ROWS)
    assert drawn is not None
    (axes,) = drawn.axes
    names = [text.get_text() for text in axes.texts]
    assert sorted(names) == ["pace.threshold=0.8", "pace.threshold=0.9", "pace.threshold=0.9"]
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["learned", "p2"]
    assert [path.name for path in write_sweep_figure(ROWS, tmp_path)] == ["sweep.png", "sweep.svg"]


def test_a_sweep_in_which_nothing_is_judged_has_no_figure(tmp_path: Path):
    unjudged = [row(["a=1"], 0.5, 2.0) | {"correct": {"value": None, "low": None, "high": None}}]
    assert sweep_figure(unjudged) is None
    assert write_sweep_figure(unjudged, tmp_path) == []
    assert sweep_figure([]) is None


def test_rules_of_a_sweep_are_a_table():
    gain, ratio = figure(0.02), figure(0.5)
    rule = {"rule": "a", "against": "b", "accuracy_gain_at_equal_cost": gain, "cost_ratio_at_equal_accuracy": ratio}
    table = rules_table([{**rule, "accuracy": 0.9}])
    assert table is not None
    assert table.rows[0][:2] == ["a", "b"]
    assert table.rows[0][4] == "90.0"
    assert rules_table([]) is None
