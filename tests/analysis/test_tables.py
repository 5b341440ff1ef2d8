"""The tables, as a terminal shows them."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from synthetic_traces import Row, commit, record, simulate

from adaptive_diffusion.analysis.curve_tables import curve_tables, curves_of
from adaptive_diffusion.analysis.metric_tables import (
    accuracy_table,
    allocation_table,
    controls_table,
    correction_table,
    halting_table,
    reasons_table,
)
from adaptive_diffusion.analysis.metrics import SamplerMetrics, measure
from adaptive_diffusion.analysis.report import report_tables
from adaptive_diffusion.analysis.table import Column, Table, interval, print_tables
from adaptive_diffusion.analysis.tables import likelihood_table, summary_table
from adaptive_diffusion.core.measures import AnswerMeasure
from adaptive_diffusion.evaluation.halting_metrics import CounterfactualRollouts, StoppingTable
from adaptive_diffusion.evaluation.intervals import Interval


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> list[SamplerMetrics]:
    settings = {
        "threshold_0.9": {"per_step": 6.0, "mistake": 0.02},
        "threshold_0.99": {"per_step": 2.0, "mistake": 0.002},
        "learned": {"per_step": 6.0, "mistake": 0.02, "finds": 0.9, "learned": True},
    }
    folder: Path = tmp_path_factory.mktemp("traces")
    families = {name: name.partition("_0")[0] for name in settings}
    return [
        measure(name, simulate(folder / name, 60, family=families[name], **setting))
        for name, setting in settings.items()
    ]


ROWS = [
    {"sampler": "learned", "correct": 0.975, "valid": None, "nfe_mean": 3.049, "nfe_max": 12, "queries": 2000},
    {"sampler": "fixed_4", "correct": 1.0, "seconds": 3.21},
]


def test_the_summary_shows_percent_and_dashes():
    table = summary_table(ROWS)
    assert dict(zip(table.header, table.rows[0], strict=True)) == {
        "sampler": "learned",
        "correct %": "97.5",
        "exact %": "–",
        "valid %": "–",
        "NFE mean": "3.05",
        "p95": "–",
        "max": "12",
        "seconds": "–",
        "queries": "2,000",
    }


def test_steps_are_shown_beside_forwards_where_they_are_another_number():
    skips = {"sampler": "mdlm", "correct": 0.5, "nfe_mean": 16.06, "steps_mean": 32.0}
    plain = {"sampler": "fixed", "correct": 0.5, "nfe_mean": 8.0, "steps_mean": 8.0}
    assert "steps mean" not in summary_table([plain, ROWS[0]]).header
    table = summary_table([plain, skips, ROWS[0]])
    column = table.header.index("steps mean")
    assert [row[column] for row in table.rows] == ["8.00", "32.00", "–"]
    assert "Steps:" in table.note


def test_summary_has_further_columns_where_they_say_something():
    same = {"sampler": "a", "correct": 1.0, "valid": 1.0, "score": 1.0, "distinct": 1 / 200, "revisions_mean": 0.0}
    assert summary_table([same]).header[4:5] == ["distinct %"]
    assert summary_table([same]).rows[0][4] == "0.5"
    graded = same | {"score": 0.5, "distinct": 1.0, "revisions_mean": 2.0, "rewrites_mean": 1.5, "overlap": 0.25}
    table = summary_table([graded], [AnswerMeasure("overlap", "overlap", True, 1), AnswerMeasure("absent", "absent")])
    shown = dict(zip(table.header, table.rows[0], strict=True))
    assert (shown["score"], shown["overlap %"], shown["revisions"], shown["rewrites"]) == (
        "0.500",
        "25.0",
        "2.00",
        "1.50",
    )
    assert {"distinct %", "absent"}.isdisjoint(shown)


@pytest.mark.parametrize("width", [50, 80, 120])
def test_wide_tables_are_shown_in_parts_and_nothing_is_cut_off(measures: list[SamplerMetrics], width: int):
    table = halting_table(measures)
    assert table is not None
    console = Console(width=width, record=True, file=StringIO())
    console.print(table.rich(width))
    text = console.export_text()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for part in table.parts(width):
        assert part.header[0] == "sampler"
    assert [name for part in table.parts(width) for name in part.header[1:]] == table.header[1:]
    squeezed = text.replace("\n", "")
    assert all(cell in squeezed for row in table.rows for cell in row[1:])


def test_tables_that_are_piped_have_eighty_columns(measures: list[SamplerMetrics], capsys: pytest.CaptureFixture):
    table = halting_table(measures)
    assert table is not None
    print_tables([table])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert "Allocation of steps" in shown


def test_a_figure_has_its_interval_and_a_minus_sign():
    assert interval(Interval(-0.0123, -0.02, 0.001), 1, 100) == "−1.2 [−2.0, 0.1]"
    assert interval(Interval(float("nan"), 0, 0)) == "–"


def test_rules_with_several_settings_are_curves_that_every_rule_is_compared_with(measures: list[SamplerMetrics]):
    areas, compared = curve_tables(measures, "correct")
    assert [row[:2] for row in areas.rows] == [["threshold", "2"]]
    assert [row[:2] for row in compared.rows] == [["learned", "threshold"]]
    assert "A curve is well known from 8 settings on" in areas.note
    assert curve_tables(measures[:2], "correct") == []
    assert curve_tables(measures[1:], "correct") == []


def test_runs_with_the_same_samplers_and_queries_are_seeds(tmp_path: Path):
    found = []
    for seed in (0, 1):
        for name, pace in (("a_2", 2.0), ("a_6", 6.0), ("b_4", 4.0)):
            trace = simulate(tmp_path / f"{seed}{name}", 40, per_step=pace, family=name[0], seed=seed)
            found.append(measure(name, trace, run=f"run{seed}"))
    curves = curves_of(found)
    assert curves is not None
    assert (curves.seeds, curves.families, curves.settings("a")) == (2, ["a", "b"], ["a_6", "a_2"])
    _, compared = curve_tables(found, "correct")
    assert compared.note.endswith("Over 2 runs as seeds.")
    others = curves_of(found[:-1])
    assert others is not None
    assert (others.seeds, others.families) == (1, ["run0/a", "run0/b", "run1/a"])


def test_samplers_of_other_queries_are_not_compared(tmp_path: Path, measures: list[SamplerMetrics]):
    assert curves_of([*measures, measure("few", simulate(tmp_path, 20))]) is None


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
    table = allocation_table(measures, "guesses")
    assert table is not None
    assert table.title == "Mean NFE by guesses of the solver"
    assert table.header == ["sampler", "0", "1–2", "3–6", "7+"]
    by_reason = allocation_table(measures, "halt_reason")
    assert by_reason is not None
    assert by_reason.rows[-1][1] == "–"


def test_queries_that_took_more_are_shown_with_every_difficulty(measures: list[SamplerMetrics]):
    table = reasons_table(measures)
    assert table is not None
    records = {record["sampler"]: record for record in table.records()}
    assert records["learned"]["ρ_guesses"] > 0.3 > 0 > records["learned"]["ρ_clues"]
    assert records["threshold_0.9"]["ρ_revisions"] is None
    assert 0.1 < records["learned"]["costliest_tenth_NFE"] < 1


def test_accuracy_has_the_groups_of_the_allocation(measures: list[SamplerMetrics]):
    cost, correct = (table(measures, "guesses") for table in (allocation_table, accuracy_table))
    assert cost is not None
    assert correct is not None
    assert cost.header == correct.header
    assert correct.title == "Correct % by guesses of the solver"


def test_a_sheet_is_written_as_numbers_in_their_own_units():
    sheet = Table(
        "S", [Column("sampler"), Column("exact %", 1, 100), Column("why")], [["a", Interval(0.5, 0.4, 0.6), None]]
    )
    assert sheet.rows == [["a", "50.0 [40.0, 60.0]", "–"]]
    assert sheet.records() == [{"sampler": "a", "exact": 0.5, "exact_low": 0.4, "exact_high": 0.6, "why": None}]
    assert sheet.csv() == "sampler,exact,exact_low,exact_high,why\na,0.5,0.4,0.6,\n"


def test_a_rule_that_was_not_recorded_past_its_halting_has_no_controls_and_a_note(tmp_path: Path):
    rows = [
        Row([-1], [[commit(0, 1)]], [1], halt_reason="learned"),
        Row([-1], [[], [commit(0, 1)]], [1], query=1, halt_reason="learned"),
    ]
    trace = record(tmp_path, rows)
    table = controls_table([measure("learned", trace)])
    assert table is not None
    assert table.title == "Comparison with a random halting rule"
    assert table.rows == [["learned", *"–" * 7]]
    assert "was not recorded past its halting points" in table.note
    past = StoppingTable(np.array([[1.0, 1], [0, 1]]), np.array([[1.0, 2], [1, 2]]))
    recorded = [measure("learned", trace, CounterfactualRollouts(np.array([0, 1]), past))]
    known = controls_table(recorded)
    assert known is not None
    assert dict(zip(known.header, known.rows[0], strict=True))["regret %"].startswith("0.0")
    assert "was not recorded" not in known.note
    assert [table.title for table in report_tables(recorded) if "regret %" in table.header] == [known.title]


def test_a_rule_that_looks_at_no_query_has_no_controls(measures: list[SamplerMetrics]):
    assert controls_table(measures[:2]) is None


def test_likelihoods_of_a_text_run_are_a_table():
    row = {"model": "masked", "bits_per_byte": 2.5, "low": 2.4, "high": 2.6125, "parameters": 30145}
    table = likelihood_table({"models": [row]})
    assert table is not None
    assert table.rows == [["masked", "2.500 [2.400, 2.612]", "30,145"]]
    assert likelihood_table({}) is None
