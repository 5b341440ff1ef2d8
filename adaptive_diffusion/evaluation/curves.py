"""Comparing a policy with a family of baselines at equal cost or at equal accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.intervals import RESAMPLES, Interval, bootstrap, paired_difference, ratio_of_sums


@dataclass(frozen=True)
class Comparison:
    """The baseline compared with and the figure with its paired interval; both None, with a reason, where none fits."""

    baseline: str | None
    interval: Interval | None
    reason: str | None = None


def gain_at_equal_nfe(
    policy: ScoredAnswers, baselines: Sequence[ScoredAnswers], resamples: int = RESAMPLES, seed: int = 0
) -> Comparison:
    """Accuracy of the policy minus that of the baseline of smallest mean NFE not below the policy's, paired by query.

    So the baseline is allowed at least as many forwards. Queries with several variations count by their mean.
    Raises `ValueError` where a baseline answered other queries.
    """
    cost = policy.nfe.mean()
    reaching = [baseline for baseline in baselines if baseline.nfe.mean() >= cost]
    if not reaching:
        return Comparison(None, None, f"no baseline spends as much as {policy.name}, {cost:.2f} NFE")
    baseline = min(reaching, key=lambda answers: answers.nfe.mean())
    ours, theirs = _paired("quality", policy, baseline)
    return Comparison(baseline.name, paired_difference(ours, theirs, resamples, seed))


def nfe_ratio_at_equal_accuracy(
    policy: ScoredAnswers, baselines: Sequence[ScoredAnswers], resamples: int = RESAMPLES, seed: int = 0
) -> Comparison:
    """Mean NFE of the policy over that of the cheapest baseline that is at least as accurate, paired by query."""
    accuracy = policy.quality.mean()
    reaching = [baseline for baseline in baselines if baseline.quality.mean() >= accuracy]
    if not reaching:
        return Comparison(None, None, f"no baseline is as accurate as {policy.name}, {accuracy:.2%}")
    baseline = min(reaching, key=lambda answers: answers.nfe.mean())
    ours, theirs = _paired("nfe", policy, baseline)
    return Comparison(baseline.name, bootstrap(ratio_of_sums, ours, theirs, resamples=resamples, seed=seed))


def _paired(column: str, *settings: ScoredAnswers) -> list[np.ndarray]:
    """The column of each setting by ascending query id, the mean over a query's variations: [N] each."""
    ids, means = [], []
    for setting in settings:
        query, row = np.unique(setting.query, return_inverse=True)
        ids.append(query)
        means.append(np.bincount(row, weights=vars(setting)[column]) / np.bincount(row))
    if not np.array_equal(*ids):
        names = " and ".join(setting.name for setting in settings)
        raise ValueError(
            f"{names} answered different queries ({len(ids[0])} and {len(ids[1])}), so nothing can be paired"
        )
    return means
