"""Everything the tables and figures show of one sampler, measured once from its trace."""

from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from adaptive_diffusion.analysis.colours import Label
from adaptive_diffusion.core.events import Event
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.core.trace import Trace
from adaptive_diffusion.core.trace_header import TraceHeader
from adaptive_diffusion.evaluation.answers import ScoredAnswers, answer_quality
from adaptive_diffusion.evaluation.calibration import auroc, calibration_error
from adaptive_diffusion.evaluation.correction import CorrectionSummary, correction_counts, summarise_correction
from adaptive_diffusion.evaluation.correlation import spearman, tie_ceiling
from adaptive_diffusion.evaluation.halting_metrics import (
    CounterfactualRollouts,
    gains_over_chance,
    hindsight_oracle,
    overthinking,
    regret_to_oracle,
)
from adaptive_diffusion.evaluation.intervals import Interval, bootstrap, mean
from adaptive_diffusion.evaluation.replay import Replay

_FRAMEWORK = {reason.name.lower() for reason in HaltReason}
_LISTS = {"answer", "start", "target"}


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
    """Whether steps went where they paid; None where the trace does not tell."""

    spearman: Interval | None = None
    tie_ceiling: float | None = None
    made_wrong: Interval | None = None
    """share of answers that stood complete and correct after some step and are not correct at the end"""
    auroc: Interval | None = None
    calibration_error: Interval | None = None


@dataclass(frozen=True)
class Reasons:
    """What goes with the NFE of a query.

    `correlations` holds Spearman's ρ of NFE with columns of the rows that vary, by column; `costly_share` the part of
    all forwards that the costliest tenth of the queries took, `costly_quality` and `other_quality` how good its answers
    and the others are.
    """

    correlations: dict[str, Interval]
    costly_share: float
    costly_quality: Interval | None
    other_quality: Interval | None


@dataclass(frozen=True)
class Controls:
    """What chance and hindsight would have made of a halting rule's forwards.

    `gains` holds the quality over equal steps for all (`fixed`), over steps drawn from the rule's own histogram
    (`random`) and over its steps shuffled among the queries (`shuffle`), each at the rule's own mean NFE, `nfe`;
    `oracle_nfe` is the mean of the hindsight oracle, `regret` the rule's NFE over it, minus 1. `overthinking` is the
    share of queries that would have been answered better if they had been stopped earlier.
    """

    nfe: float
    gains: dict[str, Interval]
    oracle_nfe: float
    regret: Interval
    overthinking: Interval


@dataclass(frozen=True)
class SamplerMetrics:
    """One sampler's figures.

    `rows` has the columns of the trace's rows but for sequences, and `quality`: the score of each answer where the
    task's headline is a score, else 1 for a correct answer and 0 for another one, null where nothing can decide.
    """

    label: Label
    header: TraceHeader
    queries: bytes
    """digest of the numbers and the given tokens of its queries: two samplers of one digest answered the same"""
    rows: pa.Table
    nfe: Interval
    steps: float
    """mean steps per answer; more than forwards where a sequence that did not change was not computed again"""
    quality: Interval | None
    commit_step: np.ndarray
    """mean step of the last write on each position [L]; NaN where nothing was ever written"""
    revisions_by_position: np.ndarray
    """tokens taken back or replaced per query on each position [L]"""
    reasons: Reasons | None
    solved_by_step: np.ndarray | None
    """share of rows whose tokens are a correct answer after each step [T]; None where no row took one"""
    unlearned_by_step: np.ndarray | None
    """share of rows whose tokens were a correct answer before each step and are not after it [T]"""
    halt_probability: np.ndarray | None
    """given when the row stopped [R], for learned halting"""
    halting: HaltingMeasures
    controls: Controls | None
    correction: CorrectionSummary | None

    @property
    def name(self) -> str:
        """What tables and legends call the sampler."""
        return self.label.name

    @property
    def chief_difficulty(self) -> str | None:
        """The task's first measure of difficulty; None where it has none or no row has a value."""
        known = [measure.name for measure in self.header.difficulties[:1]]
        column = f"difficulty.{known[0]}" if known else ""
        return known[0] if known and self.rows[column].null_count < self.rows.num_rows else None

    @property
    def stops_early(self) -> bool:
        """Whether a halting rule ended rows after different numbers of steps."""
        reasons, nfe = self.rows["halt_reason"].to_pylist(), self.rows["nfe"].to_pylist()
        return len({cost for reason, cost in zip(reasons, nfe, strict=True) if reason not in _FRAMEWORK}) > 1

    @property
    def answers(self) -> ScoredAnswers:
        """Cost and quality of each answer."""
        quality = self.rows["quality"].fill_null(np.nan).to_numpy()
        query, nfe = (self.rows[column].to_numpy() for column in ("query", "nfe"))
        return ScoredAnswers(self.label.name, self.label.family, query, nfe, quality)


def measure(name: str, trace: Trace, past: CounterfactualRollouts | None = None, run: str = "") -> SamplerMetrics:
    """Replays a trace once and takes every measure its columns allow, and with `past` the controls of its halting.

    Args:
        name: of the sampler.
        trace: what it did.
        past: its queries recorded past their halting point.
        run: stands before the name, where samplers of several runs are shown.

    Raises:
        ValueError: a trace without rows, or with a query that `past` does not hold.
    """
    if not trace.rows.num_rows:
        raise ValueError(f"the trace of {name} has no rows: nothing was sampled")
    replay = Replay.of(trace)
    rows = with_quality(trace)
    quality = known(rows, "quality")
    probability = _probability_at_halt(replay)
    solved = replay.correct if replay.steps.any() else None  # without a step there is none to show
    revised = replay.target is not None and rows["revisions"].to_numpy().any()
    return SamplerMetrics(
        label=Label(name, trace.header.family or name, run),
        header=trace.header,
        queries=_digest(trace.rows),
        rows=rows,
        nfe=bootstrap(mean, rows["nfe"].to_numpy()),
        steps=float(replay.steps.mean()),
        quality=None if quality is None else bootstrap(mean, quality),
        commit_step=_mean_commit_step(replay),
        revisions_by_position=_revisions_by_position(replay),
        reasons=_reasons(rows, quality),
        solved_by_step=None if solved is None else solved.mean(0),
        unlearned_by_step=None if solved is None else (_before(solved) & ~solved).mean(0),
        halt_probability=probability,
        halting=_halting(rows, replay, probability, trace.header),
        controls=None if past is None else _controls(rows, replay, past),
        correction=summarise_correction(correction_counts(replay)) if revised else None,
    )


def with_quality(trace: Trace) -> pa.Table:
    """The rows of a trace without their sequences, and with their quality."""
    names = [name for name in trace.rows.column_names if name not in _LISTS]
    rows = trace.rows.select(names).combine_chunks()
    return rows.append_column("quality", answer_quality(trace.header, trace.rows).combine_chunks())


def _digest(rows: pa.Table) -> bytes:
    query, first = np.unique(rows["query"].to_numpy(), return_index=True)
    start = rows["start"].combine_chunks().take(pa.array(first))
    length = np.diff(start.offsets.to_numpy())
    return blake2b(b"".join(part.tobytes() for part in (query, length, start.flatten().to_numpy()))).digest()


def _halting(rows: pa.Table, replay: Replay, probability: np.ndarray | None, header: TraceHeader) -> HaltingMeasures:
    nfe, correct, solved = rows["nfe"].to_numpy(), known(rows, "correct"), replay.correct
    difficulty = known(rows, f"difficulty.{header.difficulties[0].name}") if header.difficulties else None
    measures = HaltingMeasures()
    if difficulty is not None:
        measures = replace(measures, spearman=spearman(difficulty, nfe), tie_ceiling=tie_ceiling(difficulty, nfe))
    if solved is not None and solved.shape[1]:
        measures = replace(measures, made_wrong=bootstrap(mean, solved.any(1) & ~solved[:, -1]))
    if probability is not None and correct is not None:
        measures = replace(
            measures,
            auroc=bootstrap(auroc, probability, correct),
            calibration_error=bootstrap(calibration_error, probability, correct),
        )
    return measures


def _controls(rows: pa.Table, replay: Replay, past: CounterfactualRollouts) -> Controls:
    taken = (replay.steps > 0) & (rows["variation"].to_numpy() == 0)  # what is recorded past halting is the first
    table, steps = past.of(rows["query"].to_numpy()[taken]), replay.steps[taken]
    return Controls(
        nfe=float(table.at(steps)[1].mean()),
        gains=gains_over_chance(table, steps),
        oracle_nfe=float(table.at(hindsight_oracle(table, steps))[1].mean()),
        regret=regret_to_oracle(table, steps),
        overthinking=bootstrap(mean, overthinking(table, steps)),
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


def _reasons(rows: pa.Table, quality: np.ndarray | None) -> Reasons | None:
    """None where every query took the same."""
    nfe = rows["nfe"].to_numpy().astype(np.float64)
    if np.ptp(nfe) == 0:
        return None
    measures = [name for name in rows.column_names if name.startswith("difficulty.")]
    columns = {name: known(rows, name) for name in (*measures, "revisions")}
    varied = {name: values for name, values in columns.items() if values is not None and np.ptp(values) > 0}
    costly = np.zeros(len(nfe), bool)
    costly[np.argsort(-nfe, kind="stable")[: -(-len(nfe) // 10)]] = True
    return Reasons(
        correlations={name: spearman(values, nfe) for name, values in varied.items()},
        costly_share=float(nfe[costly].sum() / nfe.sum()),
        costly_quality=None if quality is None else bootstrap(mean, quality[costly]),
        other_quality=None if quality is None else bootstrap(mean, quality[~costly]),
    )


def _probability_at_halt(replay: Replay) -> np.ndarray | None:
    rows = np.flatnonzero(replay.steps > 0)
    given = replay.halt_probability[rows, replay.steps[rows] - 1]
    return None if len(rows) < len(replay.steps) or np.isnan(given).any() else np.clip(given, 0, 1)


def known(rows: pa.Table, column: str) -> np.ndarray | None:
    """The column as floats; None where some row has no value."""
    return None if rows[column].null_count else rows[column].to_numpy().astype(np.float64)
