"""What the report's player shows, packed: traces as a JSON-ready dictionary of small base64 columns.

Numbers that a page needs once per row are plain lists; numbers that come per token, step or event are packed as
`{"bits": 8 | 16 | 32, "data": base64 of little-endian unsigned integers}`. Tokens are numbered by `symbols`, from 1;
0 is an open position. Confidence and halting probability are in 254ths, 255 means none.
"""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from adaptive_diffusion.analysis.colours import Label
from adaptive_diffusion.analysis.player_pictures import Picture, no_picture, player_pictures
from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.core.layout import Layout
from adaptive_diffusion.core.trace import Trace
from adaptive_diffusion.evaluation.replay import Replay

MAX_QUERIES = 2000
MAX_EVENTS = 800_000
"""About 6 MB of page."""

_UNIT = 254
_ABSENT = 255


def player_data(
    traces: Mapping[str, Trace], max_queries: int = MAX_QUERIES, picture: Picture = no_picture
) -> dict[str, Any]:
    """Packs the traces of samplers, by name, that were given the same queries.

    At most `max_queries` queries are taken, fewer if their events would pass `MAX_EVENTS`. The first of them have a
    `picture` of their answers and, while there is room, of their tokens after each step (`player_pictures`).
    Raises `ValueError` where a query starts or should end differently for two samplers, or does not fit the layout.
    """
    traces = {name: pick(trace, max_queries) for name, trace in traces.items()}
    events = sum(trace.events.num_rows for trace in traces.values())
    if events > MAX_EVENTS:
        fewer = max(1, max(_query_ids(trace).size for trace in traces.values()) * MAX_EVENTS // events)
        traces = {name: pick(trace, fewer) for name, trace in traces.items()}
    replays = {name: Replay.of(trace) for name, trace in traces.items()}
    layout = next(iter(traces.values())).header.layout
    tokens = _Tokens(layout)
    queries = _queries(traces, replays, tokens)
    if layout.shape and set(queries["length"]) - {layout.shape[0] * layout.shape[1]}:
        lengths, (rows, columns) = sorted(set(queries["length"])), layout.shape
        raise ValueError(f"queries of length {lengths} do not fit a grid of {rows} × {columns}")
    shape = {name: value for name, value in layout.to_json().items() if name != "symbols"}
    rows = {name: trace.rows["query"].to_numpy() for name, trace in traces.items()}
    orders = {name: _by_query(trace) for name, trace in traces.items()}
    pictures, numbers = player_pictures(replays, rows, orders, picture)
    samplers = [
        {**_sampler(name, traces[name], replay, tokens), "pictures": numbers[name]} for name, replay in replays.items()
    ]
    content = {"layout": shape, "queries": queries, "samplers": samplers, "symbols": tokens.symbols()}
    return {**content, "pictures": pictures}


def pick(trace: Trace, queries: int) -> Trace:
    """The trace of at most so many queries, evenly spaced by id."""
    known = _query_ids(trace)
    if len(known) <= queries:
        return trace
    chosen = known[np.linspace(0, len(known) - 1, queries).round().astype(np.int64)]
    tables = (trace.events, trace.steps, trace.rows)
    events, steps, rows = (table.filter(pa.array(np.isin(table["query"].to_numpy(), chosen))) for table in tables)
    return Trace(events, steps, rows, trace.header)


def _query_ids(trace: Trace) -> np.ndarray:
    return np.unique(trace.rows["query"].to_numpy())


class _Tokens:
    """Numbers the token ids that occur, and holds what each is shown as."""

    def __init__(self, layout: Layout):
        self.known = layout.symbols
        self.ids = np.array([OPEN])

    def pack(self, tokens: np.ndarray) -> dict[str, Any]:
        self.ids = np.r_[self.ids, np.setdiff1d(tokens, self.ids)]
        order = np.argsort(self.ids)
        return _pack(order[np.searchsorted(self.ids, tokens, sorter=order)])

    def symbols(self) -> list[str]:
        return [self._symbol(int(token)) for token in self.ids[1:]]

    def _symbol(self, token: int) -> str:
        return self.known[token] if 0 <= token < len(self.known) else f"⟨{token}⟩"


def _queries(traces: Mapping[str, Trace], replays: Mapping[str, Replay], tokens: _Tokens) -> dict[str, Any]:
    """Start, target and difficulty of each query, from the first sampler that has it."""
    found: dict[int, dict[str, Any]] = {}
    for name, trace in traces.items():
        columns = trace.rows.select(["query", "length"]).to_pylist()
        difficulty = chief_difficulty(trace)
        for row, query in enumerate(columns):
            query["difficulty"] = difficulty[row]
            query["start"] = replays[name].start[row, : query["length"]]
            target = replays[name].target
            query["target"] = None if target is None else target[row, : query["length"]]
            first = found.setdefault(query["query"], query)
            if not all(np.array_equal(first[part], query[part]) for part in ("start", "target")):
                raise ValueError(f"query {query['query']} of {name} is not the one that other samplers were given")
    ordered = [found[query] for query in sorted(found)]
    targets = [query["target"] for query in ordered]
    return {
        "id": sorted(found),
        **{column: [query[column] for query in ordered] for column in ("length", "difficulty")},
        "start": tokens.pack(np.concatenate([query["start"] for query in ordered])),
        "target": None if any(target is None for target in targets) else tokens.pack(np.concatenate(targets)),
    }


def chief_difficulty(trace: Trace) -> list[float | None]:
    """The first measure of difficulty of each row, to the decimals that are shown; None where it has no value."""
    if not trace.header.difficulties:
        return [None] * trace.rows.num_rows
    measure = trace.header.difficulties[0]
    values = trace.rows[f"difficulty.{measure.name}"].to_pylist()
    return [None if value is None else round(value, measure.decimals) for value in values]


def _sampler(name: str, trace: Trace, replay: Replay, tokens: _Tokens) -> dict[str, Any]:
    columns = ["query", "variation", "nfe", "revisions", "correct", "exact", "valid", "halt_reason"]
    rows = _by_query(trace)
    place = np.argsort(rows)
    order = np.lexsort((replay.position, replay.step, place[replay.row]))
    event = {part: getattr(replay, part)[order] for part in ("row", "step", "position", "event", "confidence")}
    given = replay.halt_probability[rows]
    inside = np.arange(given.shape[1]) < replay.steps[rows][:, None]
    return {
        "name": name,
        "colour": Label(name, trace.header.family or name).colour,
        "rows": trace.rows.select(columns).take(rows).to_pydict(),
        "steps": replay.steps[rows].tolist(),
        "halting": None if np.isnan(given).all() else _pack(_share(given[inside])),
        "events": {
            "count": _pack(np.bincount(place[event["row"]], minlength=len(rows))),
            "step": _pack(event["step"]),
            "position": _pack(event["position"]),
            "token": tokens.pack(np.where(replay.after == OPEN, replay.before, replay.after)[order]),
            "event": _pack(event["event"]),
            "confidence": _pack(_share(event["confidence"])),
        },
    }


def _by_query(trace: Trace) -> np.ndarray:
    return np.lexsort((trace.rows["variation"].to_numpy(), trace.rows["query"].to_numpy()))


def _share(values: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), _ABSENT, np.round(np.clip(np.nan_to_num(values), 0, 1) * _UNIT)).astype(np.int64)


def _pack(values: np.ndarray) -> dict[str, Any]:
    largest = int(values.max(initial=0))
    bits = next(bits for bits in (8, 16, 32) if largest < 1 << bits)
    return {"bits": bits, "data": base64.b64encode(values.astype(f"<u{bits // 8}").tobytes()).decode()}
