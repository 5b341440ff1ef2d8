"""The query as a user edits it: which tokens stand, which of them are locked, what is open."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from adaptive_diffusion.core.drawing import symbol
from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.core.layout import Layout
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.playground.limits import Limits
from adaptive_diffusion.tasks.task import Task


@dataclass(frozen=True)
class Board:
    """A query of L positions under edit.

    Attributes:
        layout: how it is drawn.
        vocabulary: K, the number of clean tokens.
        number: id of the query, which keys its randomness.
        tokens: what stands, `OPEN` where nothing does.
        locked: positions that the sampler must leave as they are. A token that stands without a lock is where the
            sampler begins; it may be taken back.
        problem: the task's record of the query, for checking answers.
        given: position → token that the problem gives. An answer is checked only while all of them stand locked.
    """

    layout: Layout
    vocabulary: int
    number: int
    tokens: tuple[int, ...]
    locked: tuple[bool, ...]
    problem: Any
    given: dict[int, int]

    def _position(self, position: int) -> int:
        if not 0 <= position < len(self.tokens):
            raise ValueError(f"there is no position {position}; they are 0 to {len(self.tokens) - 1}")
        return position

    def erase(self, positions: Iterable[int]) -> "Board":
        """The board with these positions open.

        Raises:
            ValueError: a position that is not there; so do the methods below.
        """
        found = {self._position(position) for position in positions}
        tokens = tuple(OPEN if place in found else token for place, token in enumerate(self.tokens))
        return replace(self, tokens=tokens, locked=_set(self.locked, found, False))

    def toggle_lock(self, position: int) -> "Board":
        """A token that stands becomes locked, a locked one becomes free. Raises `ValueError` for an open position."""
        if self.tokens[self._position(position)] == OPEN:
            raise ValueError("nothing stands there; write a token first, then lock it")
        return replace(self, locked=_set(self.locked, {position}, not self.locked[position]))

    def write(self, position: int, token: int) -> "Board":
        """The board with a token at a position, locked. Raises `ValueError` for a token outside the vocabulary."""
        if not 0 <= token < self.vocabulary:
            raise ValueError(f"there is no token {token}; they are 0 to {self.vocabulary - 1}")
        place = self._position(position)
        tokens = (*self.tokens[:place], token, *self.tokens[place + 1 :])
        return replace(self, tokens=tokens, locked=_set(self.locked, {place}, True))

    def lock_all(self) -> "Board":
        """Every token that stands is locked."""
        return replace(self, locked=tuple(token != OPEN for token in self.tokens))

    def erase_unlocked(self) -> "Board":
        """Only locked tokens are left."""
        return self.erase(place for place, locked in enumerate(self.locked) if not locked)

    def with_answer(self, tokens: Iterable[int]) -> "Board":
        """The board with the tokens of an answer, those that were not locked free."""
        return replace(self, tokens=tuple(tokens))

    @property
    def checked(self) -> bool:
        """Whether the problem still says if an answer to this board is right."""
        return all(self.tokens[place] == token and self.locked[place] for place, token in self.given.items())

    def queries(self) -> Queries:
        """The one query of this board.

        Raises:
            ValueError: nothing that a sampler may write.
        """
        if all(self.locked):
            raise ValueError("every token is locked, so there is nothing to write; erase one")
        tokens, locked = torch.tensor([self.tokens]), torch.tensor([self.locked])
        stands = tokens != OPEN
        ids = torch.tensor([self.number])
        return Queries(ids, tokens.masked_fill(~stands, 0), ~locked, ~locked & stands, self.layout)


def board_of(task: Task, problems: Any, number: int, limits: Limits) -> Board:
    """The board of the first of some problems.

    Raises:
        ValueError: a sequence longer than the playground shows.
    """
    problem = problems.take(slice(1))
    queries = task.queries(problem)
    length = queries.tokens.shape[1]
    if length > limits.positions:
        raise ValueError(f"this query has {length} positions; the playground shows at most {limits.positions}")
    noisy, _ = queries.start
    tokens = queries.tokens.masked_fill(noisy, OPEN)[0].tolist()
    locked = (~queries.editable)[0].tolist()
    given = {place: token for place, token in enumerate(tokens) if locked[place]}
    return Board(task.layout, task.vocabulary, number, tuple(tokens), tuple(locked), problem, given)


def typed_board(task: Task, text: str, limits: Limits) -> Board:
    """The board of a query that was typed, in a form that the task's query files have: the first that can be read.

    Raises:
        ValueError: a text that is too long, or that the task cannot read.
    """
    if not text.strip():
        raise ValueError("nothing was typed")
    if len(text) > limits.characters:
        raise ValueError(f"the text has {len(text):,} characters; the playground reads at most {limits.characters:,}")
    with TemporaryDirectory(prefix="adaptive-diffusion-") as folder:
        path = Path(folder, "query.jsonl" if text.lstrip().startswith("{") else "query.txt")
        path.write_text(text, encoding="utf-8", errors="replace")
        try:
            problems = task.read(path, skip_bad=True).problems
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), "the query")) from error
        if not len(problems):
            raise ValueError("the text holds no query that can be used")
        return board_of(task, problems, 0, limits)


def token_of(text: str, layout: Layout, vocabulary: int) -> int:
    """The token that a user means: by its symbol, else by its number.

    Raises:
        ValueError: neither.
    """
    for candidate in (text, text.strip()):
        if candidate in layout.symbols[:vocabulary]:
            return layout.symbols.index(candidate)
    if text.strip().isdecimal() and len(text.strip()) < 10 and int(text) < vocabulary:
        return int(text)
    few = ", ".join(symbol(token, layout) for token in range(min(vocabulary, 12)))
    raise ValueError(f"{text[:40]!r} is no token of this task; its tokens are {few}{', …' * (vocabulary > 12)}")


def _set(flags: tuple[bool, ...], places: set[int], value: bool) -> tuple[bool, ...]:
    return tuple(value if place in places else flag for place, flag in enumerate(flags))
