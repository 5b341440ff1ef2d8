"""What one user of the playground does: a query, lanes, and the step that is shown. Nothing here needs a browser."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any

import torch

from adaptive_diffusion.config import ConfigSearch, named_sampler
from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.playground.board import Board, board_of, token_of, typed_board
from adaptive_diffusion.playground.curve import Point, measured
from adaptive_diffusion.playground.lanes import Lane, advance, resumed, solve, start, take_over
from adaptive_diffusion.playground.limits import Limits
from adaptive_diffusion.runs.models_to_try import models_to_try
from adaptive_diffusion.runs.trained_model import TrainedModel
from adaptive_diffusion.sampling.restart import Restart
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.tasks.task import Task

WRITE, ERASE, LOCK = "writes", "erases", "locks"
TOOLS = (WRITE, ERASE, LOCK)
"""What a click on a position does."""
FAVOURITES = ("cost_aware", "learned", "answer_probability", "threshold_remasking", "threshold", "p2")
"""Listed first, in this order: those of them that were measured with the model before the others."""


@dataclass(frozen=True)
class Choice:
    """A sampler that the model can be solved with.

    Attributes:
        name: of its config.
        sampler: as the config has it.
        parameter: what its slider sets, such as `halting.price`; empty without one.
        settings: of the slider, from the one that stops latest to the one that stops earliest.
        default: the setting of the config.
        curve: settings that were measured with the model.
    """

    name: str
    sampler: Sampler | Restart
    parameter: str = ""
    settings: tuple[float, ...] = ()
    default: float | None = None
    curve: tuple[float, ...] = ()

    def at(self, place: int) -> tuple[Sampler | Restart, float | None]:
        """The sampler at a place of the slider, and the setting there.

        Raises:
            ValueError: a place that the slider does not have.
        """
        if not self.settings:
            return self.sampler, None
        if not 0 <= place < len(self.settings):
            raise ValueError(f"the slider has no place {place}; its places are 0 to {len(self.settings) - 1}")
        setting = self.settings[place]
        return (self.sampler if setting == self.default else self.sampler.at_setting(setting)), setting

    @property
    def place(self) -> int:
        """The place of the slider that is nearest to the config's setting, of those between measured settings where
        there are some, so that the slider begins with a point on the curve."""
        if self.default is None or not self.settings:
            return 0
        default, places = self.default, range(len(self.settings))
        if self.curve:
            low, high = min(self.curve), max(self.curve)
            places = [place for place in places if low <= self.settings[place] <= high] or places
        return min(places, key=lambda place: abs(self.settings[place] - default))


@dataclass(frozen=True)
class Playground:
    """What all users share.

    Attributes:
        trained: the model and its task.
        source: a run folder or the name of a model, as the user gave it.
        limits: of each user.
        search: where the configs of samplers are looked for.
    """

    trained: TrainedModel
    source: str
    limits: Limits = field(default_factory=Limits)
    search: ConfigSearch | None = None

    @property
    def task(self) -> Task:
        """Of the model."""
        return self.trained.task

    @cached_property
    def choices(self) -> dict[str, Choice]:
        """The samplers that serve this model, by name: those whose noise and heads it has, and whose first step works.

        Raises:
            ValueError: no sampler serves it.
            ModuleNotFoundError: the task needs an extra that is not installed.
        """
        found = {}
        board = self.draw(0)
        self.task.picture(torch.tensor(board.tokens))  # so that a missing extra is reported before the page is served
        for name in (self.search or ConfigSearch.of()).choices("sampler"):
            node = named_sampler(name, self.search).node
            try:
                choice = self._choice(name, node, self.trained.build(node))
            except ValueError:  # it needs other noise, or a head that the model does not have
                continue
            lane = advance(start(choice.sampler, name, board, 1, 0)[0], self.limits)
            if not lane.frames[-1].faulty:  # a rule may need a summary that the model does not compute
                found[name] = choice
        if not found:
            raise ValueError(f"no sampler can solve a query with the model of {self.source}")
        curves = {point.family for point in self.points}
        rank = {name: number for number, name in enumerate(FAVOURITES)}
        first = sorted(rank.keys() & found.keys(), key=lambda name: (name not in curves, rank[name]))
        return {name: found[name] for name in (*first, *(name for name in found if name not in first))}

    def _choice(self, name: str, node: dict[str, Any], sampler: Sampler | Restart) -> Choice:
        parameter = sampler.calibrated
        if parameter is None:
            return Choice(name, sampler)
        default = (node.get("sampler", node).get(parameter.role) or {}).get(parameter.name)
        settings = tuple(parameter.settings)
        measured_at = [point.setting for point in self.points if point.family == name]
        curve = tuple(setting for setting in measured_at if setting is not None)
        return Choice(name, sampler, f"{parameter.role}.{parameter.name}", settings, default, curve)

    def choice(self, name: str) -> Choice:
        """The sampler of that name. Raises `ValueError` for another one."""
        if name not in self.choices:
            raise ValueError(f"there is no sampler {str(name)[:40]!r} for this model")
        return self.choices[name]

    @cached_property
    def problems(self) -> Any:
        """Held-out problems to draw from."""
        return self.trained.data.test

    @cached_property
    def points(self) -> list[Point]:
        """Accuracy and cost of samplers, as the run or the card of the model has them."""
        figures = {model.name: model.figures for model in models_to_try()}
        return measured(Path(self.source), figures.get(self.source, {}))

    def draw(self, number: int) -> Board:
        """The held-out problem of that number, counted round. Its answer by a sampler is that of the run."""
        place = int(number) % len(self.problems)
        return board_of(self.task, self.problems.take(slice(place, place + 1)), place, self.limits)

    def typed(self, text: str) -> Board:
        """The board of a query that was typed. Raises `ValueError` as `typed_board`."""
        return typed_board(self.task, text, self.limits)


@dataclass(frozen=True)
class Session:
    """One user's query and what became of it.

    Attributes:
        board: the query.
        lanes: the samplers' ways through it; empty before the first solving.
        step: that is shown.
    """

    board: Board
    lanes: tuple[Lane, ...] = ()
    step: int = 0

    @property
    def last(self) -> int:
        """The number of the last step of the longest lane."""
        return max((len(lane.frames) - 1 for lane in self.lanes), default=0)

    def shown(self, step: int) -> "Session":
        """The same session at another step, within those that there are."""
        return replace(self, step=max(0, min(int(step), self.last)))

    def begin(self, sides: Sequence[tuple[Choice, int]], variations: int, seed: int, limits: Limits) -> "Session":
        """The session with new lanes at their start.

        Args:
            sides: samplers, each with the place of its slider.
            variations: answers of each sampler.
            seed: keys the random draws, with the number of the query.
            limits: of the user.

        Raises:
            ValueError: nothing to write, or more variations than the limit.
        """
        if not 1 <= variations <= limits.variations:
            raise ValueError(f"{variations} variations; the playground shows 1 to {limits.variations}")
        lanes: list[Lane] = []
        for choice, place in sides:
            sampler, setting = choice.at(place)
            title = choice.name if setting is None else f"{choice.name} at {setting:g}"
            lanes += start(sampler, title, self.board, variations, seed)
        return replace(self, lanes=tuple(lanes), step=0)

    def solving(self, limits: Limits, clock: Callable[[], float] = monotonic) -> Iterator["Session"]:
        """The session after every step of its lanes, until all have ended."""
        for lanes in solve([resumed(lane) for lane in self.lanes], limits, clock):
            now = replace(self, lanes=lanes)
            yield now.shown(now.last)

    def click(self, board: str, position: int, tool: str, text: str) -> "Session":
        """What a click on a position does: to the query, or, by the number of a lane, to what is shown of that lane.

        Raises:
            ValueError: another board, tool, position or token.
        """
        if tool not in TOOLS:
            raise ValueError(f"there is no tool {str(tool)[:40]!r}; the tools are {', '.join(TOOLS)}")
        lane = int(board) if str(board).isdecimal() and len(str(board)) < 4 else None
        if lane is None:
            return replace(self, board=self._edited(position, tool, text))
        if lane >= len(self.lanes):
            raise ValueError(f"there is no lane {lane}; solve the query first")
        present = self.lanes[lane].at(self.step)
        if not 0 <= position < len(present.tokens):
            raise ValueError(f"there is no position {position}")
        stands, locked = present.tokens[position], present.locked[position]
        if tool == LOCK and stands == OPEN:
            raise ValueError("nothing stands there; write a token instead")
        token = {ERASE: None, LOCK: stands, WRITE: stands}[tool]
        if tool == WRITE:
            token = token_of(text, self.board.layout, self.board.vocabulary)
        changed = take_over(self.lanes[lane], self.step, position, token, lock=tool == WRITE or not locked)
        lanes = (*self.lanes[:lane], changed, *self.lanes[lane + 1 :])
        now = replace(self, lanes=lanes)
        return now.shown(len(changed.frames) - 1)

    def _edited(self, position: int, tool: str, text: str) -> Board:
        if tool == ERASE:
            return self.board.erase([position])
        if tool == LOCK:
            return self.board.toggle_lock(position)
        return self.board.write(position, token_of(text, self.board.layout, self.board.vocabulary))

    def with_answer(self, lane: int = 0) -> "Session":
        """The session whose query has the tokens that a lane shows. Raises `ValueError` without a lane."""
        if not self.lanes:
            raise ValueError("nothing was solved yet")
        return replace(self, board=self.board.with_answer(self.lanes[lane].at(self.step).tokens))

    def verdicts(self, task: Task) -> list[bool | None]:
        """Whether the answer of each lane is correct; None where that cannot be decided: a lane that has not ended, a
        task without a checker, a query whose given tokens were changed."""
        return [self._verdict(task, lane) for lane in self.lanes]

    def pictures(self, task: Task) -> list[str | None]:
        """The task's picture of what each lane shows; None for a task without pictures."""
        return [task.picture(torch.tensor(lane.at(self.step).tokens)) for lane in self.lanes]

    def _verdict(self, task: Task, lane: Lane) -> bool | None:
        frame = lane.frames[-1]
        gone = any(frame.tokens[place] != token for place, token in self.board.given.items())
        if not frame.ended or gone or not self.board.checked:
            return None
        grade = float(task.grades(torch.tensor([frame.tokens]), self.board.problem)["correct"][0])
        return None if grade != grade else grade == 1
