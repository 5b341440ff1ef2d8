"""Pictures of the report's player: what a task draws of a query's tokens after each step."""

import base64
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from adaptive_diffusion.evaluation.replay import Replay

MAX_ANSWERS = 200
"""Answers that are drawn, of all samplers together."""
MAX_BYTES = 4_000_000
"""Of page, for all pictures. A molecule of 20 atoms that is written in 20 steps takes about 80 kB."""

Picture = Callable[[np.ndarray], str | None]
"""A task's SVG document of tokens, some of them perhaps open, or None."""
Numbers = list[int | None]


def no_picture(tokens: np.ndarray) -> None:
    """Of a task without pictures."""
    return


def player_pictures(
    replays: Mapping[str, Replay], queries: Mapping[str, np.ndarray], orders: Mapping[str, np.ndarray], picture: Picture
) -> tuple[list[str], dict[str, list[Numbers]]]:
    """Draws the first rows of samplers, within `MAX_BYTES` in all.

    Their answers come first, then the tokens after every step: query by query, each for all samplers or for none. Equal
    pictures are stored once. They are data URIs, images in which nothing runs.

    Args:
        replays: of the samplers, by name.
        queries: the query [R] of each row.
        orders: the rows [R] in the order in which the player holds them.
        picture: of the task.

    Returns:
        The pictures, and for each sampler a list for each of its first rows: the numbers of the pictures of its last
        steps, the answer's last, None where the task draws nothing. Without pictures there are no lists.
    """
    rows = {name: order[: MAX_ANSWERS // len(replays)].tolist() for name, order in orders.items()}
    by_query = defaultdict(list)
    for name in replays:
        for row in rows[name]:
            by_query[int(queries[name][row])].append((name, row))
    store = _PictureStore(picture)
    drawn: dict[tuple[str, int], Numbers] = {}
    for first in (-1, 0):  # the answer alone, then every step
        for query in sorted(by_query):
            found = store.add([replays[name].trajectory(row)[first:] for name, row in by_query[query]])
            if found is None:
                break
            drawn.update(zip(by_query[query], found, strict=True))
        if not store.numbers:
            return [], {name: [] for name in replays}
    return list(store.numbers), {name: [drawn.get((name, row), []) for row in rows[name]] for name in replays}


class _PictureStore:
    """Numbers pictures as they come, and holds each once."""

    def __init__(self, picture: Picture):
        self.picture = picture
        self.numbers: dict[str, int] = {}
        self.left = MAX_BYTES

    def add(self, trajectories: Sequence[np.ndarray]) -> list[Numbers] | None:
        """The numbers of the pictures of each trajectory's sequences; None, and nothing is added, where they do not
        fit."""
        drawn = [[self._draw(tokens) for tokens in trajectory] for trajectory in trajectories]
        new = dict.fromkeys(uri for uris in drawn for uri in uris if uri is not None and uri not in self.numbers)
        size = sum(map(len, new))
        if size > self.left:
            return None
        self.left -= size
        self.numbers |= {uri: number for number, uri in enumerate(new, len(self.numbers))}
        return [[None if uri is None else self.numbers[uri] for uri in uris] for uris in drawn]

    def _draw(self, tokens: np.ndarray) -> str | None:
        drawn = self.picture(tokens)
        return drawn and f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}"
