"""Which samplers a figure shows that has a line or a panel for each."""

from collections.abc import Sequence

from adaptive_diffusion.analysis.metrics import SamplerMetrics
from adaptive_diffusion.evaluation.curves import NEARLY

READABLE = 8
"""Samplers that such a figure can show."""

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
    return [one for settings in rules.values() for one in _representative(settings)]


def _representative(settings: list[SamplerMetrics]) -> list[SamplerMetrics]:
    judged = [(one.quality.value, one.nfe.value, one) for one in settings if one.quality is not None]
    if not judged:
        return settings
    best = max(quality for quality, _, _ in judged)
    near = [(nfe, one) for quality, nfe, one in judged if quality >= best - NEARLY]
    return [min(near, key=lambda pair: pair[0])[1]]
