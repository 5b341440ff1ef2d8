"""The tables, as a terminal shows them."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from synthetic_traces import Row, commit, record, simulate

from adaptive_diffusion.analysis.layout import GridLayout
from adaptive_diffusion.analysis.metrics import SamplerMetrics, measure
from adaptive_diffusion.analysis.table import Column, Table, interval
from adaptive_diffusion.analysis.tables import (
    accuracy_table,
    allocation_table,
    controls_table,
    correction_table,
    gain_table,
    halting_table,
    reasons_table,
    rich_summary_table,
)
from adaptive_diffusion.evaluation.halting_metrics import CounterfactualRollouts
from adaptive_diffusion.evaluation.intervals import Interval


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> list[SamplerMetrics]:
    settings = {
        "threshold_0.9": {"per_step": 6.0, "mistake": 0.02},
        "threshold_0.99": {"per_step": 2.0, "mistake": 0.002},
        "learned": {"per_step": 6.0, "mistake": 0.02, "finds": 0.9, "learned": True},
    }
    folder: Path = tmp_path_factory.mktemp("traces")
    return [measure(name, simulate(folder / name, 60, **setting)) for name, setting in settings.items()]


def shown(table) -> str:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(table)
    return console.export_text()


def test_the_summary_shows_percent_and_dashes():
    rows = [
        {"sampler": "learned", "exact": 0.975, "valid": None, "nfe_mean": 3.049, "nfe_max": 12, "queries": 2000},
        {"sampler": "fixed_4", "exact": 1.0, "seconds": 3.21},
    ]
    lines = [line.split() for line in shown(rich_summary_table(rows)).splitlines()]
    assert [
        "│",
        "learned",
        "│",
        "97.5",
        "│",
        "–",
        "│",
        "3.05",
        "│",
        "–",
        "│",
        "12",
        "│",
        "–",
        "│",
        "2,000",
        "│",
    ] in lines
    assert any(line[1:4] == ["fixed_4", "│", "100.0"] for line in lines if len(line) > 3)


def test_a_figure_has_its_interval_and_a_minus_sign():
    assert interval(Interval(-0.0123, -0.02, 0.001), 1, 100) == "−1.2 [−2.0, 0.1]"
    assert interval(Interval(float("nan"), 0, 0)) == "–"


def test_gains_are_shown_for_all_but_the_baselines(measures: list[SamplerMetrics]):
    sheet = gain_table(measures)
    assert sheet is not None
    assert [row[0] for row in sheet.rows] == ["learned"]
    assert sheet.rows[0][1] == "threshold"
    assert sheet.rows[0][2].startswith("threshold_0.9")
    assert gain_table(measures[:2]) is None
    assert gain_table(measures, baselines=["absent"]) is None


def test_only_samplers_that_revised_are_judged_for_it(measures: list[SamplerMetrics]):
    sheet = correction_table(measures)
    assert sheet is not None
    assert [row[0] for row in sheet.rows] == ["learned"]
    assert len(sheet.rows[0]) == len(sheet.header)
    assert correction_table(measures[:2]) is None


def test_halting_figures_are_dashes_where_there_is_no_probability(measures: list[SamplerMetrics]):
    sheet = halting_table(measures)
    assert sheet is not None
    assert [row[-1] == "–" for row in sheet.rows] == [True, True, False]


def test_allocation_has_a_column_for_each_group(measures: list[SamplerMetrics]):
    sheet = allocation_table(measures, edges=GridLayout.difficulty_edges)
    assert sheet is not None
    assert sheet.header == ["sampler", "0", "1–2", "3–6", "7+"]
    by_reason = allocation_table(measures, "halt_reason", None)
    assert by_reason is not None
    assert by_reason.rows[-1][1] == "–"


def test_who_got_more_is_said_with_what_goes_with_it(measures: list[SamplerMetrics]):
    sheet = reasons_table(measures)
    assert sheet is not None
    records = {record["sampler"]: record for record in sheet.records()}
    assert records["learned"]["ρ_difficulty"] > 0.3 > 0 > records["learned"]["ρ_clues"]
    assert records["threshold_0.9"]["ρ_revisions"] is None
    assert 0.1 < records["learned"]["costliest_tenth_NFE"] < 1


def test_accuracy_has_the_groups_of_the_allocation(measures: list[SamplerMetrics]):
    edges = GridLayout.difficulty_edges
    cost, exact = (table(measures, edges=edges) for table in (allocation_table, accuracy_table))
    assert cost is not None
    assert exact is not None
    assert cost.header == exact.header


def test_a_sheet_is_written_as_numbers_in_their_own_units():
    sheet = Table(
        "S", [Column("sampler"), Column("exact %", 1, 100), Column("why")], [["a", Interval(0.5, 0.4, 0.6), None]]
    )
    assert sheet.rows == [["a", "50.0 [40.0, 60.0]", "–"]]
    assert sheet.records() == [{"sampler": "a", "exact": 0.5, "exact_low": 0.4, "exact_high": 0.6, "why": None}]
    assert sheet.csv() == "sampler,exact,exact_low,exact_high,why\na,0.5,0.4,0.6,\n"


def test_a_rule_that_was_not_recorded_past_its_halting_is_told_so(tmp_path: Path):
    row = Row([-1], [[commit(0, 1)]], [1], halt_reason="learned")
    trace = record(tmp_path, [row])
    sheet = controls_table([measure("learned", trace)])
    assert sheet is not None
    assert sheet.rows == [["learned", *"–" * 6]]
    assert "nothing was recorded past the halting point" in sheet.note
    known = controls_table([measure("learned", trace, CounterfactualRollouts(np.array([0]), np.array([[True]])))])
    assert known is not None
    assert known.rows[0][-1].startswith("0.0")
    assert "nothing was recorded" not in known.note


def test_a_rule_that_looks_at_no_query_has_no_controls(measures: list[SamplerMetrics]):
    assert controls_table(measures[:2]) is None
