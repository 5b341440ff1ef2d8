"""The buttons of the playground: each takes a session and gives what is shown next. What is refused is a sentence."""

import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from html import escape
from time import sleep
from typing import Any

from adaptive_diffusion.playground.curve import picture
from adaptive_diffusion.playground.drawing import lanes_html, query_html
from adaptive_diffusion.playground.limits import Visitors
from adaptive_diffusion.playground.session import Choice, Playground, Session

Side = tuple[str, Any, str]
"""A sampler, the place of its slider, and the sampler that the slider belongs to: another one for a moment after a
choice, in which the sampler has its usual setting."""
FAILED = "This did not work; the terminal that runs the playground has the details."
STEPPING = "Step back and forth; click a token of an answer to change it, then press Go on."
SLOWEST = 2.0
"""Seconds between two steps."""


@dataclass(frozen=True)
class View:
    """A session and a sentence about it; `refused` where the sentence says why nothing was done."""

    session: Session
    message: str = ""
    refused: bool = False

    @property
    def note(self) -> str:
        """The sentence as HTML."""
        return f'<p class="{"refused" if self.refused else "quiet"}" role="status">{escape(self.message)}</p>'


@dataclass(frozen=True)
class Actions:
    """What users can do. Every method takes the name of the browser's window first, which counts as a user.

    Attributes:
        playground: what all users share.
        visitors: who is there.
        stopping: windows whose solving is to end after the present step.
    """

    playground: Playground
    visitors: Visitors
    stopping: set[str] = field(default_factory=set)

    def draw(self, window: str, session: Session, number: Any) -> View:
        """Another query, by its number among the held-out problems."""
        return self._done(window, session, lambda: Session(self.playground.draw(_whole(number))), "A held-out query.")

    def type(self, window: str, session: Session, text: str) -> View:
        """Another query, typed."""
        return self._done(window, session, lambda: Session(self.playground.typed(str(text))), "Your query.")

    def click(self, window: str, session: Session, board: Any, position: Any, tool: str, text: str) -> View:
        """A click on a position of the query or of a lane."""

        def changed() -> Session:
            return session.click(str(board), _whole(position), tool, str(text))

        lane = str(board).isdecimal()
        return self._done(window, session, changed, "Changed; press Go on." if lane else "The query is changed.")

    def lock_all(self, window: str, session: Session) -> View:
        """Every token of the query is locked."""
        return self._done(window, session, lambda: replace(session, board=session.board.lock_all()))

    def erase_unlocked(self, window: str, session: Session) -> View:
        """Only locked tokens of the query are left."""
        return self._done(window, session, lambda: replace(session, board=session.board.erase_unlocked()))

    def with_answer(self, window: str, session: Session) -> View:
        """The answer becomes the query."""
        message = "The query has the tokens of the first answer: lock some, erase others."
        return self._done(window, session, session.with_answer, message)

    def show(self, window: str, session: Session, step: Any) -> View:
        """Another step."""
        return self._done(window, session, lambda: session.shown(_whole(step)), STEPPING)

    def move(self, window: str, session: Session, by: int) -> View:
        """A step on or back."""
        return self._done(window, session, lambda: session.shown(session.step + by), STEPPING)

    def solve(
        self,
        window: str,
        session: Session,
        first: Side,
        second: Side,
        variations: Any,
        seed: Any,
        pause: Any,
    ) -> Iterator[View]:
        """The query solved from its start, step by step; an empty name is no second sampler."""

        def begin() -> Session:
            sides = [self._side(*side) for side in (first, second) if side[0]]
            return session.begin(sides, _whole(variations), _whole(seed), self.playground.limits)

        yield from self._solving(window, session, begin, pause)

    def go_on(self, window: str, session: Session, pause: Any) -> Iterator[View]:
        """The lanes that have not ended, solved on from where they are."""

        def present() -> Session:
            if not session.lanes:
                raise ValueError("nothing was begun yet; press Solve")
            return session

        yield from self._solving(window, session, present, pause)

    def stop(self, window: str) -> None:
        """Ends the window's solving after the present step."""
        self.stopping.add(window)

    def curve(self, first: Side, second: Side) -> str:
        """The picture of accuracy against cost, with the points of the sliders."""
        try:
            sides = [self._side(*side) for side in (first, second) if side[0]]
            chosen = [(choice.name, choice.at(place)[1], choice.default) for choice, place in sides]
            return picture(self.playground.points, chosen)
        except ValueError as error:
            return View(Session(self.playground.draw(0)), str(error), refused=True).note

    def boards(self, session: Session) -> tuple[str, str]:
        """The query and the lanes as HTML."""
        task, layout = self.playground.task, session.board.layout
        verdicts, pictures = session.verdicts(task), session.pictures(task)
        return query_html(session.board), lanes_html(session.lanes, session.step, layout, verdicts, pictures)

    def _side(self, name: str, place: Any, owner: str) -> tuple[Choice, int]:
        choice = self.playground.choice(str(name))
        return choice, _whole(place) if owner == name else choice.place

    def _done(self, window: str, session: Session, act: Callable[[], Session], message: str = "") -> View:
        try:
            self.visitors.admit(window)
            return View(act(), message)
        except Exception as error:
            return _refused(session, error)

    def _solving(self, window: str, session: Session, begin: Callable[[], Session], pause: Any) -> Iterator[View]:
        try:
            self.visitors.admit(window)
            self.stopping.discard(window)
            now = begin()
            yield View(now, "Solving …")
            for after in now.solving(self.playground.limits):
                now = after
                yield View(now, "Solving …")
                sleep(min(SLOWEST, max(0.0, float(pause))))
                if window in self.stopping:
                    yield View(now, "Stopped; press Go on to continue.")
                    return
            yield View(now, f"Done after step {now.last}. {STEPPING}")
        except Exception as error:
            yield _refused(session, error)


def _refused(session: Session, error: Exception) -> View:
    """The sentence of a refusal; of a defect the traceback goes to the terminal, and no detail of it to the page."""
    if isinstance(error, ValueError):
        return View(session, str(error), refused=True)
    traceback.print_exception(error, file=sys.stderr)
    return View(session, FAILED, refused=True)


def _whole(value: Any) -> int:
    """A whole number from what a page sent. Raises `ValueError` for anything else."""
    try:
        number = float(value)
        if number == int(number) and abs(number) < 2**53:
            return int(number)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"{str(value)[:40]!r} is no whole number")
