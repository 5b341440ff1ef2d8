"""On what scales figures are read: forwards by doublings, right answers by what is wrong with them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import Locator, LogLocator, MaxNLocator, NullFormatter, NullLocator

_SHARES = [0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 1]


class _Doublings(LogLocator):
    """Halves between the doublings, and quarters where few doublings are shown. Numbers that hardly differ stand in the
    middle of a doubling."""

    def nonsingular(self, vmin: float, vmax: float) -> tuple[float, float]:
        middle = (max(vmin, 0) * max(vmax, 0)) ** 0.5
        if 0 < middle < float("inf") and vmax < 1.05 * vmin:
            return middle / 2**0.5, middle * 2**0.5
        return super().nonsingular(vmin, vmax)

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        self.set_params(subs=(1, 1.25, 1.5, 1.75) if vmax < 4 * vmin else (1, 1.5))
        return super().tick_values(vmin, vmax)


class _Shares(Locator):
    """Halvings of what is wrong; even steps where all lies between two of those. What is nearer to 1 than `finest` has
    the tick of 1. A single share does not stand alone on its axis."""

    def __init__(self, finest: float) -> None:
        self.finest = finest

    def nonsingular(self, v0: float, v1: float) -> tuple[float, float]:
        most, least = max(1 - v0, self.finest), max(1 - v1, self.finest)
        if most > 1.01 * least:
            return v0, v1
        return (1 - 1.5 * least, 1 - least / 1.5) if least > self.finest else (1 - 8 * least, 1.0)

    def __call__(self) -> Sequence[float]:
        assert self.axis is not None
        return self.tick_values(*sorted(self.axis.get_view_interval()))

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        halvings = [share for share in _SHARES if vmin <= share <= vmax and self._distinct(share)]
        if len(halvings) > 1:
            return halvings
        even = np.round(MaxNLocator(5).tick_values(vmin, vmax), 12)
        return [float(share) for share in even if 0 <= share <= 1 and self._distinct(share)]

    def _distinct(self, share: float) -> bool:
        return share == 1 or share < 1 - 1.001 * self.finest


def doublings(axis: Axis) -> None:
    """A number of forwards or steps from 1 on, each doubling equally far."""
    set_scale = axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale
    set_scale("log", base=2)
    axis.set_major_locator(_Doublings(base=2))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_locator(NullLocator())


def doublings_at(axes: Axes, numbers: Sequence[int]) -> None:
    """The numbers that were tried along x, each doubling equally far, with a tick for every one of them."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(numbers, [str(number) for number in numbers])


def accuracy(axes: Axes, queries: int) -> None:
    """Shares of right answers upwards, each halving of the wrong ones equally far, so that 98, 99 and 99.5% can be
    distinguished. With so many queries nothing is nearer to 1 than half a query."""
    finest = 0.5 / queries
    top = -np.log2(finest)

    # Beyond 1 the scale goes on evenly: the margin above a point at 1.
    def to_scale(share: np.ndarray) -> np.ndarray:
        share = np.asarray(share, float)
        return np.where(share > 1, top + (share - 1) / finest, -np.log2(np.maximum(1 - share, finest)))

    def from_scale(place: np.ndarray) -> np.ndarray:
        place = np.asarray(place, float)
        return np.where(place > top, 1 + (place - top) * finest, 1 - 2.0**-place)

    axes.set_yscale("function", functions=(to_scale, from_scale))
    axes.yaxis.set_major_locator(_Shares(finest))
    axes.yaxis.set_major_formatter(lambda share, _: f"{abs(100 * share):.6g}%")
    axes.yaxis.set_minor_formatter(NullFormatter())
