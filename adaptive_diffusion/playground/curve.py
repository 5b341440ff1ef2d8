"""Accuracy against cost, as a run measured it, with the point of the slider on it."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import log2
from pathlib import Path
from typing import Any

from adaptive_diffusion.analysis.colours import as_number, colour

SUMMARY = "summary.json"
SHARES = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
APART = 16
"""Pixels between two numbers on the axis of accuracy, at least."""
SECOND = "#0072b2", "#d55e00"
"""Colours of the second sampler where its own is that of the first: the first of these that differs."""
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 520, 250, 52, 40, 14, 16


@dataclass(frozen=True)
class Point:
    """A setting of a sampler that was measured.

    Attributes:
        family: the sampler's config.
        setting: the value of its calibrated parameter; None where its name tells of no number.
        nfe: mean forwards of a query.
        correct: share of correct answers.
    """

    family: str
    setting: float | None
    nfe: float
    correct: float


def measured(folder: Path, figures: Mapping[str, Any]) -> list[Point]:
    """The points of a run folder's `summary.json`, else those that come with a model.

    Args:
        folder: of the run; it may be none.
        figures: the `figures.json` of a model that comes with the package, or nothing.
    """
    file = folder / SUMMARY
    if not file.is_file():
        return points(figures.get("curves", ()))
    try:
        return points(json.loads(file.read_text(encoding="utf-8"))["samplers"])
    except (ValueError, KeyError, TypeError):
        return []  # a file of another tool, or a damaged one: there is then no curve to show


def points(rows: Iterable[Mapping[str, Any]]) -> list[Point]:
    """The points of summary rows that have both figures."""
    found = []
    for row in rows:
        name, family = str(row["sampler"]), str(row.get("family", row["sampler"]))
        nfe, correct = row.get("nfe_mean"), row.get("correct")
        if nfe is not None and correct is not None:
            rest = name.removeprefix(family).strip("_")
            setting = None if "_" in rest else as_number(rest)  # several settings are no place on a slider
            found.append(Point(family, setting, float(nfe), float(correct)))
    return found


def between(curve: Sequence[Point], setting: float) -> Point | None:
    """The point of a setting on the curve of one sampler: measured, or on the line between its neighbours; beyond the
    ends, and where nothing was measured, None."""
    known = sorted((point for point in curve if point.setting is not None), key=lambda point: point.setting or 0.0)
    settings = [point.setting or 0.0 for point in known]
    place = bisect_left(settings, setting)
    if place < len(known) and settings[place] == setting:
        return known[place]
    if not 0 < place < len(known):
        return None
    low, high = known[place - 1], known[place]
    share = (setting - settings[place - 1]) / (settings[place] - settings[place - 1])
    return Point(
        low.family,
        setting,
        low.nfe + share * (high.nfe - low.nfe),
        low.correct + share * (high.correct - low.correct),
    )


def picture(found: Sequence[Point], chosen: Sequence[tuple[str, float | None, float | None]]) -> str:
    """The curves as SVG in HTML; those of the chosen samplers in colour, each with the point of its slider.

    Args:
        found: all points.
        chosen: sampler, setting, and the setting of the sampler's config, for one or two samplers.
    """
    if not found:
        return '<p class="quiet">No accuracy was measured for this model, so there is no curve to show.</p>'
    scale = _Scale(found)
    inks = _inks([family for family, _, _ in chosen])
    families = sorted({point.family for point in found}, key=lambda family: family in inks)
    parts, notes = [scale.axes()], []
    for family in families:
        curve = sorted(
            (point for point in found if point.family == family), key=lambda point: (point.nfe, point.correct)
        )
        shown = family in inks
        line = " ".join(f"{scale.x(point.nfe):.1f},{scale.y(point.correct):.1f}" for point in curve)
        ink = inks.get(family, "currentColor")
        parts.append(f'<g class="{"chosen" if shown else "other"}" fill="{ink}" stroke="{ink}">')
        parts.append(f'<polyline points="{line}" fill="none"/><title>{escape(family)}</title>')
        parts += [f'<circle cx="{scale.x(p.nfe):.1f}" cy="{scale.y(p.correct):.1f}" r="2.6"/>' for p in curve]
        parts.append("</g>")
    for family, setting, usual in chosen:
        curve = [point for point in found if point.family == family]
        at = None if setting is None else between(curve, setting)
        if at is None and setting == usual:  # a sampler that was measured as its config has it
            at = next((point for point in curve if point.setting is None), None)
        if at is None:
            notes.append(f"{escape(family)}: this setting was not measured")
            continue
        x, y, ink = scale.x(at.nfe), scale.y(at.correct), inks[family]
        parts.append(f'<circle class="here" cx="{x:.1f}" cy="{y:.1f}" r="7" fill="{ink}"/>')
        named = escape(family) if setting is None else f"{escape(family)} at {setting:g}"
        notes.append(f"{named}: {100 * at.correct:.1f}% correct at {at.nfe:.2f} mean NFE")
    text = "; ".join(notes)
    return (
        f'<figure class="curve"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Accuracy against cost. '
        f'{text}">{"".join(parts)}</svg><figcaption>{text}</figcaption></figure>'
    )


def _inks(families: Sequence[str]) -> dict[str, str]:
    """A colour for each of one or two families. Many families share a colour, the two here do not."""
    inks: dict[str, str] = {}
    for family in families:
        own = inks.get(family, colour(family))
        taken = {ink for other, ink in inks.items() if other != family}
        inks[family] = own if own not in taken else next(ink for ink in SECOND if ink not in taken)
    return inks


class _Scale:
    """From figures to places in the picture: NFE by doublings, accuracy by halvings of what is missing."""

    def __init__(self, found: Sequence[Point]):
        self.few, self.many = (log2(end(max(point.nfe, 1e-3) for point in found)) for end in (min, max))
        self.worst, self.best = (end(point.correct for point in found) for end in (min, max))
        self.low, self.high = _rarity(self.worst), _rarity(self.best)

    def x(self, nfe: float) -> float:
        return (
            LEFT
            + 10
            + (WIDTH - LEFT - RIGHT - 20) * (log2(max(nfe, 1e-3)) - self.few) / max(1e-9, self.many - self.few)
        )

    def y(self, correct: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - _rarity(correct)) / max(1e-9, self.high - self.low)

    def _accuracies(self) -> list[tuple[float, float]]:
        """Accuracies that the axis names, with their places; the worst and the best of all where it has one or none."""
        places: list[tuple[float, float]] = []
        for share in SHARES:
            if self.low <= _rarity(share) <= self.high and (not places or places[-1][1] - self.y(share) >= APART):
                places.append((share, self.y(share)))
        ends = {self.worst: self.y(self.worst), self.best: self.y(self.best)}
        return places if len(places) > 1 else list(ends.items())

    def axes(self) -> str:
        """Lines and numbers of both axes."""
        parts = []
        for share, y in self._accuracies():
            parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{100 * share:.3g}%</text>')
        for tick in (2**power for power in range(13)):
            if self.few <= log2(tick) <= self.many:
                x = self.x(tick)
                parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick}</text>')
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">mean forwards of a query (NFE)</text>')
        return f'<g class="axes">{"".join(parts)}</g>'


def _rarity(correct: float) -> float:
    """−log₂ of the share of wrong answers."""
    return -log2(max(1e-4, 1 - correct))
