"""Boards and lanes as HTML. All text is escaped, because tokens may come from anybody."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from adaptive_diffusion.core.drawing import place, symbol
from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.core.layout import Layout
from adaptive_diffusion.playground.board import Board
from adaptive_diffusion.playground.frames import BY_HAND, Change
from adaptive_diffusion.playground.lanes import Lane

QUERY = "query"
"""The name of the query's own board, where lanes have numbers."""
LISTED = 6
FEW = 3
"""Tokens committed in one step that are named; the board shows all of them."""
WORDS = {"commit": "committed", "remask": "taken back", "replace": "replaced", BY_HAND: "changed by you"}


def query_html(board: Board) -> str:
    """The query under edit."""
    states = ["open" if token == OPEN else "given" if lock else "free" for token, lock in _pairs(board)]
    return _cells(QUERY, board.layout, board.tokens, states, {}, None)


def lanes_html(
    lanes: Sequence[Lane],
    step: int,
    layout: Layout,
    verdicts: Sequence[bool | None],
    pictures: Sequence[str | None],
) -> str:
    """All lanes after a step, side by side.

    Args:
        lanes, step, layout: what is shown, when, and how.
        verdicts: which answers are correct, None where that is not known.
        pictures: SVG documents of the task, None where it has no picture. They become images, in which nothing runs.
    """
    most = max((lane.frames[-1].nfe for lane in lanes), default=1)
    boards = [
        _lane(number, lane, step, layout, verdict, most, picture)
        for number, (lane, verdict, picture) in enumerate(zip(lanes, verdicts, pictures, strict=True))
    ]
    return f'<div class="lanes">{"".join(boards)}</div>'


def _lane(
    number: int, lane: Lane, step: int, layout: Layout, verdict: bool | None, most: int, picture: str | None
) -> str:
    frame = lane.at(step)
    tokens, locked = frame.tokens, frame.locked
    states = [
        "open" if token == OPEN else "given" if lock else "committed"
        for token, lock in zip(tokens, locked, strict=True)
    ]
    badge = ""
    if frame.ended and verdict is not None:
        kind = "correct" if verdict else "wrong"
        badge = f'<span class="badge {kind}">{kind}</span>'
    share = 100 * frame.nfe / max(1, most)
    cost = (
        f'<p class="cost"><span class="bar"><span style="width:{share:.0f}%"></span></span>'
        f"<b>{frame.nfe}</b> NFE · {frame.token_forwards:,} token-forwards</p>"
    )
    board = _cells(str(number), layout, tokens, states, frame.changes, frame.probability)
    return (
        f'<article class="lane" aria-label="{escape(lane.title)}"><h3>{escape(lane.title)}{badge}</h3>{board}'
        f'{_image(picture)}{cost}<p class="story">{_story(lane, step, layout)}</p></article>'
    )


def _image(picture: str | None) -> str:
    if picture is None:
        return ""
    content = b64encode(picture.encode()).decode()
    return f'<img class="picture" alt="picture of the sequence" src="data:image/svg+xml;base64,{content}">'


def _story(lane: Lane, step: int, layout: Layout) -> str:
    """What the step did, what was taken back, what halting saw and why it ended."""
    number, frame = min(step, len(lane.frames) - 1), lane.at(step)
    if number == 0:
        return "At the start."
    sentences = []
    for kind, word in WORDS.items():
        found = {at: change for at, change in frame.changes.items() if change.kind == kind}
        if found:
            few = kind != "commit" or len(found) <= FEW
            shown = "; ".join(_change(at, found[at], layout) for at in list(found)[:LISTED])
            more = f"; and {len(found) - LISTED} more" if len(found) > LISTED else ""
            sentences.append(f'<b class="{_class(kind)}">{len(found)} {word}</b>' + (f": {shown}{more}" if few else ""))
    text = "; ".join(sentences) or "nothing changed"
    saw = f" Halting: {escape(frame.halting)}." if frame.halting else ""
    why = f' <b class="ended">It stopped: {escape(frame.ended)}.</b>' if frame.ended else ""
    note = f" {escape(frame.note)}" if frame.note else ""
    return f"Step {number}: {text}.{saw}{note}{why}"


def _change(at: int, change: Change, layout: Layout) -> str:
    probability = "" if change.kind == BY_HAND else f" (p {change.probability:.2f})"
    return f"{_shown(change.token, layout)} at {place(at, layout)}{probability}"


def _cells(
    name: str,
    layout: Layout,
    tokens: Sequence[int],
    states: Sequence[str],
    changes: Mapping[int, Change],
    probability: Sequence[float] | None,
) -> str:
    """Buttons, one for each position, on a grid or as running text."""
    shape = layout.shape if layout.shape and layout.shape[0] * layout.shape[1] == len(tokens) else None
    cells = []
    for at, (token, state) in enumerate(zip(tokens, states, strict=True)):
        change = changes.get(at)
        kind = "" if change is None else f" {_class(change.kind)}"
        label = "open" if token == OPEN else _shown(token, layout)
        what = f"{place(at, layout)}: {label}, {state}"
        sure = ""
        if probability is not None and state == "committed":
            sure = f' style="--sure:{round(100 * max(0.0, min(1.0, probability[at])))}%"'
            what += f", p {probability[at]:.2f}"
        shown = label if token != OPEN else _gone(change, layout)
        edges = "" if shape is None else _edges(at, layout)
        cells.append(
            f'<button type="button" class="cell {state}{kind}{edges}" data-board="{name}" data-position="{at}"'
            f'{sure} title="{escape(what)}" aria-label="{escape(what)}">{shown}</button>'
            + ("<br>" if shape is None and token != OPEN and "\n" in symbol(token, layout) else "")
        )
    if shape is None:
        return f'<div class="text" data-board="{name}">{"".join(cells)}</div>'
    return f'<div class="grid" data-board="{name}" style="--columns:{shape[1]}">{"".join(cells)}</div>'


def _gone(change: Change | None, layout: Layout) -> str:
    """What an open position shows: the token that was just taken back, else a point."""
    return "·" if change is None or change.token == OPEN else f"<s>{_shown(change.token, layout)}</s>"


def _edges(at: int, layout: Layout) -> str:
    """The classes of a cell at the edge of a box."""
    if layout.shape is None or layout.boxes is None:
        return ""
    (rows, columns), (box_rows, box_columns) = layout.shape, layout.boxes
    row, column = divmod(at, columns)
    right = " box-right" * ((column + 1) % box_columns == 0 and column + 1 < columns)
    return right + " box-below" * ((row + 1) % box_rows == 0 and row + 1 < rows)


def _shown(token: int, layout: Layout) -> str:
    """A token in HTML; white space and control signs become visible."""
    text = symbol(token, layout)
    if text == " ":
        return "␣"
    visible = "".join("⏎" if sign == "\n" else sign if sign.isprintable() else "�" for sign in text)
    return escape(visible) or "∅"


def _class(kind: str) -> str:
    return kind.replace(" ", "-")


def _pairs(board: Board) -> list[tuple[int, bool]]:
    return list(zip(board.tokens, board.locked, strict=True))
