"""The numbers that a figure draws, as a table for spreadsheets."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure

COLUMNS = ("panel", "series", "x", "y", "y_low", "y_high")
_AUTOMATIC = re.compile(r"_child\d+|_nolegend_|_container\d+")

Row = tuple[str, str, float, float, float | None, float | None]


def figure_csv(figure: Figure) -> str:
    """Every point, bar and cell of a figure as CSV, a row for each: its panel, its series, x and y, and the ends of its
    interval where it has one. Of a map, x and y are column and row, and the value stands under `y_low` and `y_high`.

    A series without a name of its own has that of the series with its colour.
    """
    names = {colour: name for axes in figure.axes for colour, name in _named(axes)}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for axes in figure.axes:
        for row in _rows(axes, names):
            writer.writerow(
                "" if value is None else f"{value:.6g}" if isinstance(value, float) else value for value in row
            )
    return text.getvalue()


def _rows(axes: Axes, names: dict[str, str]) -> Iterator[Row]:
    """What one panel draws."""
    panel = axes.get_title(loc="left") or axes.get_ylabel()
    inside = set()
    for container in axes.containers:
        inside |= set(map(id, container.get_children()))
        match container:
            case ErrorbarContainer():
                yield from _errorbar(panel, container, names)
            case BarContainer():
                for bar in container.patches:
                    name = names.get(to_hex(bar.get_facecolor()), "")
                    yield panel, name, float(bar.get_x() + bar.get_width() / 2), float(bar.get_height()), None, None
    for line in axes.lines:
        if id(line) not in inside and len(points := np.asarray(line.get_xydata(), float)):
            name = _name(line) or names.get(to_hex(line.get_color()), "")
            if line.get_transform() == axes.transData:  # not a rule across the panel
                yield from ((panel, name, float(x), float(y), None, None) for x, y in points)
    for image in axes.images:
        values = np.asarray(image.get_array(), float)
        for (row, column), value in np.ndenumerate(values):
            yield panel, "", float(column), float(row), float(value), float(value)


def _errorbar(panel: str, container: ErrorbarContainer, names: dict[str, str]) -> Iterator[Row]:
    line, _, bars = container.lines
    name = _name(container) or names.get(to_hex(line.get_color()), "")
    points = np.asarray(line.get_xydata(), float)
    # Of the bars along x and y, those along y keep x.
    segments = [np.asarray(bar.get_segments(), float) for bar in bars] if container.has_yerr else []
    upright = next((ends for ends in reversed(segments) if (ends[:, 0, 0] == ends[:, 1, 0]).all()), None)
    for number, (x, y) in enumerate(points):
        low, high = (None, None) if upright is None else (float(end) for end in upright[number, :, 1])
        yield panel, name, float(x), float(y), low, high


def _named(axes: Axes) -> Iterator[tuple[str, str]]:
    """Colours of a panel with the names of their series."""
    for line in axes.lines:
        if name := _name(line):
            yield to_hex(line.get_color()), name
    for container in axes.containers:
        match container:
            case ErrorbarContainer() if name := _name(container):
                yield to_hex(container.lines[0].get_color()), name
            case BarContainer() if axes.get_ylabel():
                yield to_hex(container.patches[0].get_facecolor()), axes.get_ylabel()


def _name(artist: Any) -> str:
    """The label of an artist; one that begins with an underscore is in no legend, but names its series."""
    label = str(artist.get_label())
    return "" if _AUTOMATIC.fullmatch(label) else label.removeprefix("_")
