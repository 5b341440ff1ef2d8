"""Metadata of a trace: the task it is of, the sampler, and how its columns are named and grouped."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from string import Formatter
from typing import Any

from adaptive_diffusion.core.layout import Layout, TextLayout, layout_from_json
from adaptive_diffusion.core.measures import HEADLINES, AnswerMeasure, Difficulty

PROBABILITY = "probability"
"""The name by which an explanation refers to the column `halt_probability`."""

_FORM = re.compile(r"[-+]?,?(\.[0-9])?[efg%]?")
"""Formats that show every float in an explanation; `d` is for integers and would raise."""


@dataclass(frozen=True)
class TraceHeader:
    """Facts about a trace; the defaults describe an unknown task.

    Attributes:
        task, noun, headline, layout, difficulties, columns: as those of `tasks.task.Task`.
        sampler: its name in tables.
        family: the samplers of one family share a colour and form a curve.
        halting: the name that a stop by the halting rule has in `halt_reason`.
        explanation: how the halting rule explains a step, a format template over the columns of `seen` and
            `probability`; empty for a rule without one.

    Raises:
        ValueError: an unknown headline, or a template with anything but plain names.
    """

    task: str = ""
    noun: str = "query"
    headline: str = "valid"
    layout: Layout = field(default_factory=TextLayout)
    difficulties: tuple[Difficulty, ...] = ()
    columns: tuple[AnswerMeasure, ...] = ()
    sampler: str = ""
    family: str = ""
    halting: str = ""
    explanation: str = ""

    def __post_init__(self) -> None:
        if self.headline not in HEADLINES:
            raise ValueError(f"the headline is one of {', '.join(HEADLINES)}, not {self.headline!r}")
        _fields(self.explanation)

    @property
    def seen(self) -> tuple[str, ...]:
        """The numbers, beside the probability, that the explanation refers to."""
        return tuple(dict.fromkeys(name for name in _fields(self.explanation) if name != PROBABILITY))

    def explain(self, numbers: Mapping[str, float]) -> str:
        """The explanation of one step; empty where the rule has no template or a number is missing."""
        if not self.explanation or {*self.seen} - {*numbers} or (self.uses_probability and PROBABILITY not in numbers):
            return ""
        return self.explanation.format(**numbers)

    @property
    def uses_probability(self) -> bool:
        """Whether the explanation refers to the halting probability."""
        return PROBABILITY in _fields(self.explanation)

    def extra(self, table: str) -> list[str]:
        """The float columns that a table has beside those of every trace."""
        if table == "steps":
            return [f"halting.{name}" for name in self.seen]
        if table == "rows":
            names = [f"difficulty.{measure.name}" for measure in self.difficulties]
            return names + [f"column.{measure.name}" for measure in self.columns]
        return []

    def to_json(self) -> str:
        """The header as JSON text."""
        return json.dumps({**asdict(self), "layout": self.layout.to_json()}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> "TraceHeader":
        """The inverse of `to_json`.

        Raises:
            ValueError: text that is no header.
        """
        try:
            written = json.loads(text)
            layout = layout_from_json(written.pop("layout"))
            difficulties = tuple(_difficulty(one) for one in written.pop("difficulties"))
            columns = tuple(_column(one) for one in written.pop("columns"))
            if not all(isinstance(value, str) for value in written.values()):
                raise TypeError("names and templates are texts")
            return cls(layout=layout, difficulties=difficulties, columns=columns, **written)
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise ValueError(f"the header is damaged: {error}") from error


def _difficulty(written: Mapping[str, Any]) -> Difficulty:
    edges: Sequence[Any] | None = written["edges"]
    return Difficulty(
        str(written["name"]),
        str(written["title"]),
        None if edges is None else tuple(float(edge) for edge in edges),
        int(written["decimals"]),
    )


def _column(written: Mapping[str, Any]) -> AnswerMeasure:
    return AnswerMeasure(
        str(written["name"]), str(written["title"]), bool(written["percent"]), int(written["decimals"])
    )


def _fields(template: str) -> list[str]:
    """The names in a template. A trace may come from anybody, so a template does nothing but show numbers."""
    try:
        found = [(name, form, how) for _, name, form, how in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise ValueError(f"{template!r} is no format template: {error}") from error
    for name, form, how in found:
        if not name.isidentifier() or how is not None or not _FORM.fullmatch(form or ""):
            raise ValueError(f"an explanation shows numbers by their names, as in {{threshold:.2f}}; not {template!r}")
    return [name for name, _, _ in found]
