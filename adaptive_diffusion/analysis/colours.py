"""How samplers are named and coloured: one look for each family in tables, figures and the report."""

import colorsys
import hashlib
from dataclasses import dataclass
from math import log2, log10

# Okabe and Ito's palette (2008), distinct under the common kinds of colour blindness; the two lightest are darkened
# and black is slate, so that every colour has a contrast of 3 to 1 on both grounds.
_VERMILION, _BLUE, _GREEN, _PURPLE = "#d55e00", "#0072b2", "#009e73", "#cc79a7"
_AMBER, _SKY, _SLATE, _OLIVE = "#c98500", "#3a9bd9", "#7a8490", "#8f8a00"
_FAMILIES = {
    "learned": (_VERMILION, "*"),
    "threshold": (_BLUE, "o"),
    "fixed": (_SLATE, "s"),
    "confidence": (_GREEN, "^"),
    "margin": (_PURPLE, "v"),
    "entropy": (_AMBER, "D"),
    "random_halting": (_SKY, "X"),
    "threshold_remasking": (_OLIVE, "P"),
    "answer_probability": (_PURPLE, "h"),
    "answer_probability_limited": (_SKY, "D"),
    "cost_aware": (_AMBER, "p"),
    "entropy_bound": (_VERMILION, "D"),
    "klass": (_GREEN, "P"),
    "stable_and_confident": (_OLIVE, "X"),
    "likelihood_gain": (_SLATE, "^"),
    "prophet": (_AMBER, "v"),
    "sched": (_OLIVE, "o"),
    "solved": (_GREEN, "X"),
    "agreement": (_SKY, "v"),
    "agreement_cost_aware": (_PURPLE, "D"),
}

_OTHERS = [
    (hue, mark)
    for hue in dict.fromkeys(hue for hue, _ in _FAMILIES.values())
    for mark in dict.fromkeys(mark for _, mark in _FAMILIES.values())
    if (hue, mark) not in _FAMILIES.values()
]
"""What any other family looks like: pairs of a colour and a marker that no known family has."""


@dataclass(frozen=True)
class Label:
    """How a sampler is named and drawn.

    Attributes:
        sampler: its own name, such as `threshold_0.9`.
        family: samplers of one family share a colour and a marker and form a curve, such as `threshold`.
        run: the run it is from, where several are shown side by side.
    """

    sampler: str
    family: str
    run: str = ""

    @property
    def name(self) -> str:
        """What tables and legends call it."""
        return f"{self.run}/{self.sampler}" if self.run else self.sampler

    @property
    def setting(self) -> str | None:
        """What its name says beyond the family's: `0.9`; None where that is nothing."""
        return self.sampler.removeprefix(self.family).strip("_") or None

    @property
    def colour(self) -> str:
        """Its colour in every figure."""
        return colour(self.family, self.setting)

    @property
    def marker(self) -> str:
        """Its marker in every figure."""
        return marker(self.family)

    @property
    def order(self) -> tuple[str, float, str]:
        """Sorts by family, then by setting."""
        return self.family, as_number(self.setting) or 0.0, self.sampler


def as_number(setting: str | None) -> float | None:
    """A setting that is a number; None for any other."""
    try:
        return float(setting) if setting else None
    except ValueError:
        return None


def colour(family: str, setting: str | None = None) -> str:
    """A colour as #rrggbb: a hue for the family, for a setting that is a number a shade from light (weak) to dark.

    A function of these two alone, so that no figure can disagree with another.
    """
    base = _look(family)[0]
    strength = _strength(setting)
    if strength is None:
        return base
    hue, _, saturation = colorsys.rgb_to_hls(*_parts(base))
    contrast = 2.3 * (5.8 / 2.3) ** strength  # against white; dark ground has what is left of 17 to 1
    shades = [colorsys.hls_to_rgb(hue, lightness / 255, saturation) for lightness in range(256)]
    shade = min(shades, key=lambda shade: abs(luminance(_code(shade)) - (1.05 / contrast - 0.05)))
    return _code(shade)


def luminance(code: str) -> float:
    """Relative luminance of #rrggbb, 0 to 1 (WCAG 2)."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(code))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def marker(family: str) -> str:
    """The matplotlib marker of a family."""
    return _look(family)[1]


def _look(family: str) -> tuple[str, str]:
    known = _FAMILIES.get(family)
    if known:
        return known
    digest = hashlib.sha256(family.encode()).digest()
    return _OTHERS[int.from_bytes(digest[:4]) % len(_OTHERS)]


def _strength(setting: str | None) -> float | None:
    """The setting on a scale from 0 to 1: shares by their nines (.5 to .99…), counts by their doublings (2 to 32)."""
    value = as_number(setting)
    if value is None or not 0 < value < float("inf"):
        return None
    place = (-log10(1 - value) - 0.3) / 2 if value < 1 else (log2(value) - 1) / 4
    return min(1.0, max(0.0, place))


def _parts(code: str) -> tuple[float, float, float]:
    return int(code[1:3], 16) / 255, int(code[3:5], 16) / 255, int(code[5:7], 16) / 255


def _code(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)
