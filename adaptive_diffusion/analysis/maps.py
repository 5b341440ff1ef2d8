"""Heat maps of positions: on the grid they stand on, or along the text."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from adaptive_diffusion.analysis.metrics import SamplerMetrics
from adaptive_diffusion.core.layout import Layout


def commit_order(measures: Sequence[SamplerMetrics]) -> Figure | None:
    """Mean step of the last write, by position; the colours span at least a tenth of the mean."""
    written = {sampler.name: sampler.commit_step for sampler in measures if not np.isnan(sampler.commit_step).all()}
    return _maps(written, measures[0].header.layout, "mean step of the last token")


def revision_map(measures: Sequence[SamplerMetrics]) -> Figure | None:
    """Tokens taken back or replaced per query, by position."""
    revised = {sampler.name: 100 * sampler.revisions_by_position for sampler in measures}
    revised = {name: values for name, values in revised.items() if values.any()}
    return _maps(revised, measures[0].header.layout, "revisions in 100 queries", lambda values: (0, values.max()))


def _around_the_mean(values: np.ndarray) -> tuple[float, float]:
    middle = np.nanmean(values)
    return min(np.nanmin(values), 0.95 * middle), max(np.nanmax(values), 1.05 * middle)


def _maps(
    values: dict[str, np.ndarray],
    layout: Layout,
    unit: str,
    span: Callable[[np.ndarray], tuple[float, float]] = _around_the_mean,
) -> Figure | None:
    if not values:
        return None
    if layout.shape:
        columns = min(5, len(values))
        lines = -(-len(values) // columns)
        figure = Figure(figsize=(2.1 * columns + 0.3, 2.2 * lines), layout="constrained")
    else:
        columns, lines = 1, len(values)
        figure = Figure(figsize=(10.8, 0.8 + 0.8 * lines), layout="constrained")
    places = figure.subplots(lines, columns, squeeze=False, sharex=True).ravel()
    for axes, (name, by_position) in zip(places, values.items(), strict=False):
        _map(figure, axes, name, by_position, layout, span(by_position))
    for axes in places[len(values) :]:
        axes.set_visible(False)
    where = "" if layout.shape else "position in the text; "
    figure.supxlabel(f"{where}colour: {unit}", fontsize=9)
    return figure


def _map(
    figure: Figure, axes: Axes, name: str, by_position: np.ndarray, layout: Layout, span: tuple[float, float]
) -> None:
    if layout.shape and layout.boxes:
        (rows, columns), (box_rows, box_columns) = layout.shape, layout.boxes
        picture, aspect = by_position.reshape(rows, columns), "equal"
        for line in range(box_rows, rows, box_rows):
            axes.axhline(line - 0.5, color="white", linewidth=1.5)
        for line in range(box_columns, columns, box_columns):
            axes.axvline(line - 0.5, color="white", linewidth=1.5)
        axes.set(xticks=[], yticks=[])
    else:
        picture, aspect = by_position[None], "auto"
        axes.set(yticks=[])
    image = axes.imshow(picture, cmap="cividis", vmin=span[0], vmax=span[1], aspect=aspect, interpolation="nearest")
    axes.set_title(name, loc="left", fontsize=9 if len(name) < 16 else 7.5)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=axes, pad=0.02, shrink=0.72 if aspect == "equal" else 1)
    bar.outline.set_visible(False)
    bar.ax.grid(visible=False)
    bar.ax.yaxis.set_major_locator(MaxNLocator(3))
    bar.ax.tick_params(labelsize=8)
