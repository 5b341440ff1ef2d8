"""Why did a query take so many steps? Its trace in words, step by step."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from adaptive_diffusion.core.drawing import draw, place, symbol
from adaptive_diffusion.core.events import EVENT_NAMES, OPEN, Event
from adaptive_diffusion.core.trace import Trace
from adaptive_diffusion.core.trace_header import PROBABILITY, TraceHeader

LISTED = 12
"""Events of one kind that are listed per step; the drawing shows all of them."""

WORDS = {"commit": "committed", "remask": "remasked", "replace": "replaced"}
MARKS = {"commit": "+", "remask": "-", "replace": "~"}
HALTING = "halting."


def explain(trace: Trace, query: int, variation: int = 0) -> str:
    """What happened to a query: at every step the tokens that were committed, remasked and replaced, what the halting
    rule saw, and whether it went on; then why it stopped.

    Args:
        trace: in memory, or one that was read.
        query: its id.
        variation: which of the answers to it.

    Raises:
        ValueError: a query that is not in the trace, or a trace whose events do not fit it.
    """
    row, steps, events = (_of(table, query, variation) for table in (trace.rows, trace.steps, trace.events))
    if not row:
        raise ValueError(f"the trace has no {_named(trace.header, query, variation)}; {_there(trace)}")
    if events and not 0 <= min(event["position"] for event in events) <= _last(events) < row[0]["length"]:
        raise ValueError("the trace is damaged: it has events at positions outside the sequence")
    return "\n".join(_lines(trace.header, row[0], steps, events))


def _lines(
    header: TraceHeader, row: dict[str, Any], steps: Sequence[dict[str, Any]], events: Sequence[dict[str, Any]]
) -> Iterator[str]:
    numbers = [f"{len(steps)} steps", f"{row['nfe']} NFE", f"{row['revisions']} revisions"]
    yield f"{_named(header, row['query'], row['variation'])}: {', '.join(numbers)}"
    yield f"It stopped because {_end(row)}."
    if row["correct"] is not None:
        yield f"The answer is {'correct' if row['correct'] else 'not correct'}."
    at: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        at[event["step"]].append(event)
    tokens = list(row["start"])
    yield from ("", "at the start", *_drawn(tokens, header, {}))
    for step in steps:
        now = at[step["step"]]
        yield from ("", f"step {step['step']}: {step['open']} open after it")
        yield from _changes(header, now, tokens)
        for event in now:
            tokens[event["position"]] = OPEN if event["event"] == EVENT_NAMES[Event.REMASK] else event["token"]
        if saw := header.explain(_numbers(step)):
            yield f"  halting: {saw}"
        yield f"  {'it stopped: ' + _end(row) if step is steps[-1] else 'it went on'}"
        yield from _drawn(tokens, header, {event["position"]: MARKS[event["event"]] for event in now})
    if events:
        yield from ("", "+ committed in this step, - remasked, ~ replaced, · open")


def _changes(header: TraceHeader, events: Sequence[dict[str, Any]], tokens: Sequence[int]) -> Iterator[str]:
    """A line for each kind of event."""
    for kind, word in WORDS.items():
        found = [event for event in events if event["event"] == kind]
        if found:
            listed = "; ".join(_change(header, event, tokens) for event in found[:LISTED])
            more = f"; and {len(found) - LISTED} more" if len(found) > LISTED else ""
            yield f"  {word} {len(found)}: {listed}{more}"


def _change(header: TraceHeader, event: dict[str, Any], tokens: Sequence[int]) -> str:
    shown = _shown(event["token"], header)
    if event["event"] == EVENT_NAMES[Event.REPLACE]:
        shown = f"{_shown(tokens[event['position']], header)} by {shown}"
    return f"{shown} at {place(event['position'], header.layout)} (p {event['confidence']:.3f})"


def _shown(token: int, header: TraceHeader) -> str:
    """A token in a sentence, in quotes where it is white space or a control sign."""
    text = symbol(token, header.layout)
    return text if text.isprintable() and not text.isspace() else repr(text)


def _drawn(tokens: Sequence[int], header: TraceHeader, marks: dict[int, str]) -> Iterator[str]:
    yield from (f"    {line}" for line in draw(tokens, header.layout, marks))


def _numbers(step: dict[str, Any]) -> dict[str, float]:
    """The numbers that the halting rule used, by the names in its explanation."""
    seen = {name.removeprefix(HALTING): value for name, value in step.items() if name.startswith(HALTING)}
    return {name: value for name, value in {PROBABILITY: step["halt_probability"], **seen}.items() if value is not None}


def _of(table: pa.Table, query: int, variation: int) -> list[dict[str, Any]]:
    """The rows of a table that belong to one answer, in the order of the steps."""
    keys = [table[name].to_numpy() for name in ("query", "variation")]
    found = table.take(np.flatnonzero((keys[0] == query) & (keys[1] == variation))).to_pylist()
    return sorted(found, key=lambda one: one.get("step", 0))


def _last(events: Sequence[dict[str, Any]]) -> int:
    return max(event["position"] for event in events)


def _end(row: dict[str, Any]) -> str:
    return str(row["halt_sentence"]).rstrip(".")


def _named(header: TraceHeader, query: int, variation: int) -> str:
    return f"{header.noun} {query}, variation {variation}"


def _there(trace: Trace) -> str:
    queries, variations = (trace.rows[name].to_numpy() for name in ("query", "variation"))
    if not len(queries):
        return "it is empty"
    return f"its queries are {queries.min()} to {queries.max()}, its variations 0 to {variations.max()}"
