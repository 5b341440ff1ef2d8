"""On what scales figures are read: forwards by doublings, right answers by what is wrong with them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import Locator, LogLocator, MaxNLocator, NullFormatter, NullLocator

_SHARES = [0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999]


class _Doublings(LogLocator):
    """Halves between the doublings, and quarters where few doublings are shown."""

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        self.set_params(subs=(1, 1.25, 1.5, 1.75) if vmax < 4 * vmin else (1, 1.5))
        return super().tick_values(vmin, vmax)


class _Shares(Locator):
    """Halvings of what is wrong; even steps where all lies between two of those."""

    def __call__(self) -> Sequence[float]:
        assert self.axis is not None
        return self.tick_values(*sorted(self.axis.get_view_interval()))

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        halvings = [share for share in _SHARES if vmin <= share <= vmax]
        if len(halvings) > 1:
            return halvings
        even = np.round(MaxNLocator(5).tick_values(vmin, vmax), 12)
        return [float(share) for share in even if 0 <= share <= 1]


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

    def to_scale(share: np.ndarray) -> np.ndarray:
        return -np.log2(np.maximum(1 - np.asarray(share, float), finest))

    axes.set_yscale("function", functions=(to_scale, lambda place: 1 - 2.0 ** -np.asarray(place, float)))
    axes.yaxis.set_major_locator(_Shares())
    axes.yaxis.set_major_formatter(lambda share, _: f"{abs(100 * share):.6g}%")
    axes.yaxis.set_minor_formatter(NullFormatter())
