"""What became of mistakes, from events and targets: does a sampler correct itself, or only spend steps?

A *write* puts a token on a position: it stood there at the start, was committed, or replaced another. A write
is *taken back* when the next event there remasks or replaces it. A *mistake* lasts from the first wrong write on a
position to the next right one, its repair; a position that held wrong, open, wrong again was mistaken once.
"""

from dataclasses import dataclass, fields

import numpy as np

from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.evaluation.intervals import RESAMPLES, Interval, bootstrap, mean, ratio_of_sums
from adaptive_diffusion.evaluation.replay import Replay


@dataclass(frozen=True)
class CorrectionCounts:
    """Counts per row, [R] each."""

    wrong_writes: np.ndarray
    revisions: np.ndarray
    found: np.ndarray
    """revisions that took back a wrong token"""
    rewrites: np.ndarray
    """writes that follow a revision of the position"""
    returns: np.ndarray
    """rewrites of a token that stood there before"""
    error_to_correct: np.ndarray
    correct_to_error: np.ndarray
    repair_steps: np.ndarray
    """steps from mistake to repair, summed over the row's repairs"""


def correction_counts(replay: Replay) -> CorrectionCounts:
    """Counts what became of each row's mistakes. Raises `ValueError` for rows without a target."""
    target = replay.required_target()
    rows, length = target.shape
    writes = _writes(replay)
    key, step, token, taken_back = (writes[name] for name in ("key", "step", "token", "taken_back"))
    row = key // length if length else key
    right = token == target.ravel()[key]
    follows = np.r_[False, key[1:] == key[:-1]] if len(key) else np.zeros(0, bool)
    was_right = np.r_[False, right[:-1]] if len(key) else right
    repaired = follows & right & ~was_right

    # A mistake starts at a wrong write that no wrong write precedes; carry that write's index forward to the repair.
    starts = ~right & (~follows | was_right)
    mistake = np.maximum.accumulate(np.where(starts, np.arange(len(key)), 0))

    def count(chosen: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(row[chosen], None if weight is None else weight[chosen], minlength=rows)

    return CorrectionCounts(
        wrong_writes=count(~right),
        revisions=count(taken_back),
        found=count(taken_back & ~right),
        rewrites=count(follows),
        returns=count(follows & _seen_before(key, token)),
        error_to_correct=count(repaired),
        correct_to_error=count(follows & ~right & was_right),
        repair_steps=count(repaired, step - step[mistake]),
    )


@dataclass(frozen=True)
class CorrectionSummary:
    """Correction over all rows, each with its 95% interval over rows; NaN where nothing defines it."""

    revisions_per_query: Interval
    error_to_correct_per_query: Interval
    correct_to_error_per_query: Interval
    precision: Interval
    """share of revisions that took back a wrong token"""
    recall: Interval
    """share of wrong tokens that were taken back"""
    steps_to_repair: Interval
    """mean steps from mistake to repair"""
    oscillation: Interval
    """share of rewrites that brought back a token that had stood there before"""

    def values(self) -> dict[str, Interval]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def summarise_correction(counts: CorrectionCounts, resamples: int = RESAMPLES, seed: int = 0) -> CorrectionSummary:
    """Rates with intervals; ratios are of sums over rows, so that a row counts by its revisions."""

    def rate(column: np.ndarray) -> Interval:
        return bootstrap(mean, column, resamples=resamples, seed=seed)

    def ratio(numerator: np.ndarray, denominator: np.ndarray) -> Interval:
        return bootstrap(ratio_of_sums, numerator, denominator, resamples=resamples, seed=seed)

    return CorrectionSummary(
        revisions_per_query=rate(counts.revisions),
        error_to_correct_per_query=rate(counts.error_to_correct),
        correct_to_error_per_query=rate(counts.correct_to_error),
        precision=ratio(counts.found, counts.revisions),
        recall=ratio(counts.found, counts.wrong_writes),
        steps_to_repair=ratio(counts.repair_steps, counts.error_to_correct),
        oscillation=ratio(counts.returns, counts.rewrites),
    )


def _writes(replay: Replay) -> dict[str, np.ndarray]:
    """Every write, by position and time; `key` numbers the positions of all rows."""
    length = replay.start.shape[1]
    given_row, given_position = np.nonzero(replay.start >= 0)
    key = np.r_[given_row * length + given_position, replay.row.astype(np.int64) * length + replay.position]
    step = np.r_[np.zeros(len(given_row), np.int64), replay.step]
    token = np.r_[replay.start[given_row, given_position], replay.after]
    takes_back = np.r_[np.zeros(len(given_row), bool), replay.before >= 0]
    order = np.argsort(key, kind="stable")  # a position's start comes first, then its events as they lie, in time
    key, step, token, takes_back = key[order], step[order], token[order], takes_back[order]
    next_takes_back = np.r_[(key[1:] == key[:-1]) & takes_back[1:], False] if len(key) else takes_back
    written = token != OPEN
    columns = {"key": key, "step": step, "token": token, "taken_back": next_takes_back}
    return {name: column[written] for name, column in columns.items()}


def _seen_before(key: np.ndarray, token: np.ndarray) -> np.ndarray:
    """Bool [W]: an earlier write put the same token on the same position."""
    order = np.lexsort((token, key))  # stable: equal pairs stay in time
    repeated = (key[order][1:] == key[order][:-1]) & (token[order][1:] == token[order][:-1])
    seen = np.zeros(len(key), bool)
    seen[order[1:]] = repeated
    return seen
