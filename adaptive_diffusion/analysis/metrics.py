"""Everything the tables and figures show of one sampler, measured once from its trace."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from adaptive_diffusion.core.events import Event
from adaptive_diffusion.core.trace import Trace
from adaptive_diffusion.evaluation.calibration import auroc, calibration_error
from adaptive_diffusion.evaluation.correction import CorrectionSummary, correction_counts, summarise_correction
from adaptive_diffusion.evaluation.correlation import spearman, tie_ceiling
from adaptive_diffusion.evaluation.curves import Setting
from adaptive_diffusion.evaluation.halting_metrics import (
    CounterfactualRollouts,
    gains_over_chance,
    hindsight_oracle,
    overthinking,
    regret_to_oracle,
)
from adaptive_diffusion.evaluation.intervals import Interval, bootstrap, mean, ratio_of_sums
from adaptive_diffusion.evaluation.replay import Replay

_NOT_RULES = ("all_committed", "step_limit", "fault", "max_steps", "control")
_COLUMNS = ["query", "variation", "nfe", "halt_reason", "revisions", "exact", "valid", "difficulty", "clues"]


@dataclass(frozen=True)
class SamplerEntry:
    """One sampler of a run: its name, its row of `summary.json`, the folder of its trace, and its queries past their
    halting point, where those were recorded."""

    name: str
    summary: dict[str, Any]
    trace: Path
    past: CounterfactualRollouts | None = None


@dataclass(frozen=True)
class HaltingMeasures:
    """Whether steps went where they paid; None where the trace cannot tell."""

    spearman: Interval | None = None
    tie_ceiling: float | None = None
    overthinking: Interval | None = None
    regret: Interval | None = None
    auroc: Interval | None = None
    calibration_error: Interval | None = None


@dataclass(frozen=True)
class Reasons:
    """What goes with the NFE of a query.

    `correlations` holds Spearman's ρ of NFE with columns of the rows that vary; `costly_share` the part of all forwards
    that the costliest tenth of the queries took, `costly_exact` and `other_exact` how often it and the rest are right.
    """

    correlations: dict[str, Interval]
    costly_share: float
    costly_exact: Interval | None
    other_exact: Interval | None


@dataclass(frozen=True)
class Controls:
    """What chance and hindsight would have made of a halting rule's steps, at the same mean of them.

    `gains` holds accuracy over equal steps for all (`fixed`), over steps drawn from the rule's own histogram (`random`)
    and over its steps shuffled among the queries (`shuffle`); `oracle_steps` is the mean of the hindsight oracle.
    """

    steps: float
    gains: dict[str, Interval]
    oracle_steps: float
    regret: Interval


@dataclass(frozen=True)
class SamplerMetrics:
    """One sampler's figures. `rows` keeps the scalar columns of the trace's rows."""

    name: str
    rows: pa.Table
    nfe: Interval
    exact: Interval | None
    commit_step: np.ndarray
    """mean step of the last write on each position [L]; NaN where nothing was ever written"""
    revisions_by_position: np.ndarray
    """tokens taken back or replaced per query on each position [L]"""
    reasons: Reasons | None
    solved_by_step: np.ndarray | None
    """share of rows whose standing tokens are the target after each step [T]"""
    unlearned_by_step: np.ndarray | None
    """share of rows whose tokens were the target before each step and are not after it [T]"""
    halt_probability: np.ndarray | None
    """given when the row stopped [R], for learned halting"""
    halting: HaltingMeasures
    controls: Controls | None
    correction: CorrectionSummary | None

    @property
    def stops_early(self) -> bool:
        """Whether a rule that looks at the query ended some row."""
        return not set(self.rows["halt_reason"].unique().to_pylist()) <= set(_NOT_RULES)

    @property
    def setting(self) -> Setting:
        return Setting.of(self.name, self.rows)


def measure(name: str, trace: Trace, past: CounterfactualRollouts | None = None) -> SamplerMetrics:
    """Replays a trace once and takes every measure its columns allow, and with `past` the controls of its halting.

    Raises:
        ValueError: a trace without rows, or with a query that `past` does not hold.
    """
    if not trace.rows.num_rows:
        raise ValueError(f"the trace of {name} has no rows: nothing was sampled")
    replay = Replay.of(trace)
    rows = trace.rows.select(_COLUMNS).combine_chunks()
    exact = _known(rows, "exact")
    probability = _probability_at_halt(replay)
    solved = replay.solved_by_step() if replay.target is not None else None
    revised = solved is not None and rows["revisions"].to_numpy().any()
    return SamplerMetrics(
        name=name,
        rows=rows,
        nfe=bootstrap(mean, rows["nfe"].to_numpy()),
        exact=None if exact is None else bootstrap(mean, exact),
        commit_step=_mean_commit_step(replay),
        revisions_by_position=_revisions_by_position(replay),
        reasons=_reasons(rows, exact),
        solved_by_step=None if solved is None else solved.mean(0),
        unlearned_by_step=None if solved is None else (_before(solved) & ~solved).mean(0),
        halt_probability=probability,
        halting=_halting(rows, replay, solved, probability, exact),
        controls=None if past is None else _controls(rows, replay, past),
        correction=summarise_correction(correction_counts(replay)) if revised else None,
    )


def _halting(
    rows: pa.Table,
    replay: Replay,
    solved: np.ndarray | None,
    probability: np.ndarray | None,
    exact: np.ndarray | None,
) -> HaltingMeasures:
    nfe, difficulty = rows["nfe"].to_numpy(), _known(rows, "difficulty")
    steps = np.maximum(replay.steps, 1)  # a query that was complete at its start took none
    measures = HaltingMeasures()
    if difficulty is not None:
        measures = replace(measures, spearman=spearman(difficulty, nfe), tie_ceiling=tie_ceiling(difficulty, nfe))
    if solved is not None and solved.shape[1]:
        measures = replace(
            measures,
            overthinking=bootstrap(mean, overthinking(solved, steps)),
            regret=_regret(nfe, solved, steps),
        )
    if probability is not None and exact is not None:
        measures = replace(
            measures,
            auroc=bootstrap(auroc, probability, exact),
            calibration_error=bootstrap(calibration_error, probability, exact),
        )
    return measures


def _regret(nfe: np.ndarray, solved: np.ndarray, steps: np.ndarray) -> Interval:
    """Policy ÷ hindsight oracle − 1. A row's steps are taken to cost the same number of forwards each."""
    ratio = bootstrap(ratio_of_sums, nfe, nfe * hindsight_oracle(solved, steps) / steps)
    return Interval(ratio.value - 1, ratio.low - 1, ratio.high - 1)


def _controls(rows: pa.Table, replay: Replay, past: CounterfactualRollouts) -> Controls:
    taken = (replay.steps > 0) & (rows["variation"].to_numpy() == 0)  # what is recorded past halting is the first
    solved, steps = past.of(rows["query"].to_numpy()[taken]), replay.steps[taken]
    return Controls(
        steps=float(steps.mean()),
        gains=gains_over_chance(solved, steps),
        oracle_steps=float(hindsight_oracle(solved, steps).mean()),
        regret=regret_to_oracle(solved, steps),
    )


def _mean_commit_step(replay: Replay) -> np.ndarray:
    last = np.r_[(replay.row[1:] != replay.row[:-1]) | (replay.position[1:] != replay.position[:-1]), True]
    final = last[: len(replay.row)] & (replay.after >= 0)
    positions = replay.start.shape[1]
    count = np.bincount(replay.position[final], minlength=positions)
    total = np.bincount(replay.position[final], weights=replay.step[final], minlength=positions)
    return np.divide(total, count, out=np.full(positions, np.nan), where=count > 0)


def _revisions_by_position(replay: Replay) -> np.ndarray:
    revised = replay.position[replay.event != Event.COMMIT]
    return np.bincount(revised, minlength=replay.start.shape[1]) / len(replay.start)


def _before(solved: np.ndarray) -> np.ndarray:
    """`solved` a step earlier; before the first step nothing is."""
    return np.pad(solved, ((0, 0), (1, 0)))[:, :-1]


def _reasons(rows: pa.Table, exact: np.ndarray | None) -> Reasons | None:
    """None where every query took the same."""
    nfe = rows["nfe"].to_numpy().astype(np.float64)
    if np.ptp(nfe) == 0:
        return None
    columns = {name: _known(rows, name) for name in ("difficulty", "clues", "revisions")}
    varied = {name: values for name, values in columns.items() if values is not None and np.ptp(values) > 0}
    costly = np.zeros(len(nfe), bool)
    costly[np.argsort(-nfe, kind="stable")[: -(-len(nfe) // 10)]] = True
    return Reasons(
        correlations={name: spearman(values, nfe) for name, values in varied.items()},
        costly_share=float(nfe[costly].sum() / nfe.sum()),
        costly_exact=None if exact is None else bootstrap(mean, exact[costly]),
        other_exact=None if exact is None else bootstrap(mean, exact[~costly]),
    )


def _probability_at_halt(replay: Replay) -> np.ndarray | None:
    rows = np.flatnonzero(replay.steps > 0)
    given = replay.halt_probability[rows, replay.steps[rows] - 1]
    return None if len(rows) < len(replay.steps) or np.isnan(given).any() else np.clip(given, 0, 1)


def _known(rows: pa.Table, column: str) -> np.ndarray | None:
    """The column as floats; None where a row does not know it."""
    return None if rows[column].null_count else rows[column].to_numpy().astype(np.float64)
