"""One look for all figures: the same sampler has the same colour and marker everywhere, on light and on dark ground."""

import colorsys
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import log2, log10
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette (2008), told apart under the common kinds of colour blindness; the two lightest are darkened
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
}


def family(name: str) -> str:
    """A sampler's name without its numbers: `threshold_0.9` and `threshold_0.95` are of the family `threshold`.

    What stands before a stroke is the run it is from, `seed_1/learned`, and does not count.
    """
    name = _sampler(name)
    return re.sub(r"[_\-]+", "_", re.sub(r"\d*\.?\d+", "", name)).strip("_") or name


def setting(name: str) -> str | None:
    """The number in a sampler's name, as it is written; None without one."""
    number = re.search(r"\d*\.?\d+", _sampler(name))
    return number[0] if number else None


def _sampler(name: str) -> str:
    return name.rpartition("/")[2]


def colour(name: str) -> str:
    """The colour of a sampler, as #rrggbb: a hue for its family, for its setting a shade from light (weak) to dark.

    A function of the name alone, so that no figure can disagree with another.
    """
    base = _look(name)[0]
    strength = _strength(name)
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


def marker(name: str) -> str:
    """The matplotlib marker of a sampler's family."""
    return _look(name)[1]


def _look(name: str) -> tuple[str, str]:
    known = _FAMILIES.get(family(name))
    if known:
        return known
    # Any other family has a colour and a marker that no known one pairs.
    digest = hashlib.sha256(family(name).encode()).digest()
    looks = list(_FAMILIES.values())
    hue, apart = digest[0] % len(looks), 1 + digest[1] % (len(looks) - 1)
    return looks[hue][0], looks[(hue + apart) % len(looks)][1]


def _strength(name: str) -> float | None:
    """The setting on a scale from 0 to 1: shares by their nines (.5 to .99…), counts by their doublings (2 to 32)."""
    number = setting(name)
    if number is None:
        return None
    value = float(number)
    place = (-log10(1 - value) - 0.3) / 2 if value < 1 else (log2(value) - 1) / 4
    return min(1.0, max(0.0, place))


def _parts(code: str) -> tuple[float, float, float]:
    return int(code[1:3], 16) / 255, int(code[3:5], 16) / 255, int(code[5:7], 16) / 255


def _code(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


@dataclass(frozen=True)
class Theme:
    """The colours a figure borrows from the page it stands on."""

    ink: str
    muted: str
    grid: str
    ground: str


LIGHT = Theme(ink="#1b1f24", muted="#5b6570", grid="#e3e7ec", ground="#ffffff")
DARK = Theme(ink="#e8ebef", muted="#a2acb7", grid="#2c333c", ground="#171b21")


@contextmanager
def themed(theme: Theme) -> Iterator[None]:
    """Figures drawn and saved inside have this theme's colours, and the same bytes for the same numbers."""
    settings: dict = {
        "text.color": theme.ink,
        "axes.labelcolor": theme.ink,
        "axes.edgecolor": theme.muted,
        "axes.facecolor": theme.ground,
        "figure.facecolor": theme.ground,
        "savefig.facecolor": theme.ground,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "grid.color": theme.grid,
        "grid.linewidth": 0.8,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10,
        "axes.labelsize": 10,
        "font.size": 9.5,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "lines.linewidth": 1.8,
        "figure.constrained_layout.h_pad": 0.1,
        "figure.constrained_layout.w_pad": 0.1,
        "svg.fonttype": "none",
        "svg.hashsalt": "adaptive-diffusion",
    }
    with mpl.rc_context(settings):
        yield


def new_axes(width: float = 7.2, height: float = 4.0) -> tuple[Figure, Axes]:
    """An empty figure of one axes, in inches; it belongs to no window and no global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def svg(figure: Figure) -> bytes:
    """The figure as an SVG file. Call inside `themed`."""
    target = BytesIO()
    figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    return target.getvalue()


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Writes `name.png` and `name.svg`. Call inside `themed`."""
    folder.mkdir(parents=True, exist_ok=True)
    png, vector = folder / f"{name}.png", folder / f"{name}.svg"
    figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
    vector.write_bytes(svg(figure))
    return [png, vector]
