"""One look for all figures, on light and on dark ground."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure


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
