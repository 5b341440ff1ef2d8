"""Which setting stands for a rule where there is no room for all of them."""

from collections.abc import Sequence
from typing import Any

from adaptive_diffusion.analysis.metrics import SamplerMetrics
from adaptive_diffusion.evaluation.curves import NEARLY

READABLE = 8
"""Samplers that a figure with a line or a panel each can show."""

CHOSEN = (
    f"Of more than {READABLE} samplers one setting of each rule is shown: the cheapest within {100 * NEARLY:g} "
    "points of the rule's best."
)


def representatives(measures: Sequence[SamplerMetrics]) -> Sequence[SamplerMetrics]:
    """Where there are more than `READABLE` samplers, one setting of each rule: the cheapest within half a point of the
    best quality that the rule reaches; samplers whose answers are not judged stay."""
    if len(measures) <= READABLE:
        return measures
    rules: dict[tuple[str, str], list[SamplerMetrics]] = {}
    for sampler in measures:
        rules.setdefault((sampler.label.run, sampler.label.family), []).append(sampler)
    shown = []
    for settings in rules.values():
        judged = [(one.quality.value, one.nfe.value, one) for one in settings if one.quality is not None]
        shown += [_cheapest_near_the_best(judged)] if judged else settings
    return shown


def representative_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same choice among the rows of a summary, in their order."""
    rules: dict[str, list[tuple[float, float, dict[str, Any]]]] = {}
    for row in rows:
        rules.setdefault(row["family"], []).append((row["correct"], row["nfe_mean"], row))
    return [_cheapest_near_the_best(settings) for settings in rules.values()]


def _cheapest_near_the_best(settings: Sequence[tuple[float, float, Any]]) -> Any:
    """Of settings (quality, cost, setting)."""
    best = max(quality for quality, _, _ in settings)
    return min((one for one in settings if one[0] >= best - NEARLY), key=lambda one: one[1])[2]
