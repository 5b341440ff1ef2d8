"""A lane: one sampler on its way through one answer, every step of it at hand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

import torch

from adaptive_diffusion.core.events import EVENT_NAMES, OPEN
from adaptive_diffusion.core.state import HALT_SENTENCES, HaltReason, SamplerState
from adaptive_diffusion.core.trace_header import PROBABILITY, TraceHeader
from adaptive_diffusion.playground.board import Board
from adaptive_diffusion.playground.limits import Limits
from adaptive_diffusion.sampling.faults import step_isolating_faults
from adaptive_diffusion.sampling.models import device_of
from adaptive_diffusion.sampling.reuse import LastEvaluation
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.step import Step
from adaptive_diffusion.sampling.tracing import events_of

BY_HAND = "by hand"
"""The event of a token that the user changed."""


@dataclass(frozen=True)
class Change:
    """What happened to one position: `commit`, `remask`, `replace` or `BY_HAND`, the token it concerns, and the
    probability the model gave it."""

    kind: str
    token: int
    probability: float


@dataclass(frozen=True)
class Frame:
    """A sequence between two steps.

    Attributes:
        state: of the sampler, one row.
        changes: position → what the step before did there.
        halting: what the halting rule saw in that step, in words; empty where it has no words.
        ended: why the answer is finished; empty while it is not.
    """

    state: SamplerState
    changes: Mapping[int, Change] = field(default_factory=dict)
    halting: str = ""
    ended: str = ""

    @property
    def tokens(self) -> list[int]:
        """[L], `OPEN` where nothing stands."""
        state = self.state
        return state.tokens.masked_fill(state.editable & ~state.committed, OPEN)[0].tolist()

    @property
    def locked(self) -> list[bool]:
        """[L], positions that the sampler must leave as they are."""
        return (~self.state.editable)[0].tolist()

    @property
    def probability(self) -> list[float]:
        """[L], with what probability each token was committed."""
        return self.state.commit_probability[0].tolist()

    @property
    def nfe(self) -> int:
        """Forwards so far."""
        return int(self.state.nfe[0])

    @property
    def token_forwards(self) -> int:
        """Positions computed so far, summed over forwards."""
        return int(self.state.token_forwards[0])


@dataclass(frozen=True)
class Lane:
    """One answer on its way.

    Attributes:
        title: what the sampler is called.
        sampler: solves it.
        frames: the start and what each step led to; never empty.
        last: the last evaluation, where the next step may use it again.
    """

    title: str
    sampler: Sampler
    frames: tuple[Frame, ...]
    last: LastEvaluation | None = None

    @property
    def ended(self) -> bool:
        """Whether no step is left to take."""
        return bool(self.frames[-1].ended)

    def at(self, step: int) -> Frame:
        """The frame after so many steps, the last one where there are fewer."""
        return self.frames[max(0, min(step, len(self.frames) - 1))]


def start(sampler: Sampler, title: str, board: Board, variations: int, seed: int) -> list[Lane]:
    """Lanes at their start, one for each variation. The answers are those of `Sampler.sample` for the same query.

    Raises:
        ValueError: a board on which nothing is open.
    """
    queries = board.queries()
    queries = queries.to(device_of(sampler.denoiser, queries.ids.device))
    lanes = []
    for variation in range(variations):
        with torch.inference_mode():
            state = sampler.begin(queries, torch.tensor([variation], device=queries.ids.device), seed)
        named = title if variations == 1 else f"{title}, variation {variation}"
        lanes.append(Lane(named, sampler, (Frame(state),)))
    return lanes


def advance(lane: Lane, limits: Limits) -> Lane:
    """The lane after its next step; the same lane where it has ended."""
    if lane.ended:
        return lane
    before = lane.frames[-1].state
    longest = min(lane.sampler.step_limit(before.tokens.shape[1]), limits.steps)
    with torch.inference_mode():
        done = step_isolating_faults(lane.sampler, before, longest, lane.last)
        last = LastEvaluation.of(lane.sampler.denoiser, done)
    return replace(lane, frames=(*lane.frames, _frame(lane.sampler, done)), last=last)


def solve(lanes: Sequence[Lane], limits: Limits, clock: Callable[[], float] = monotonic) -> Iterator[tuple[Lane, ...]]:
    """The lanes after every step, all of them in turn, until each has ended or the time is over."""
    spent = 0.0
    now = tuple(lanes)
    while not all(lane.ended for lane in now):
        began = clock()
        now = tuple(advance(lane, limits) for lane in now)
        spent += clock() - began
        if spent > limits.seconds:
            over = f"the time limit of {limits.seconds:g} seconds was reached; press Go on for more"
            yield tuple(lane if lane.ended else _stopped(lane, over) for lane in now)
            return
        yield now


def resumed(lane: Lane) -> Lane:
    """The lane without the end that a limit or the user's stop put to it; one that its sampler ended stays ended."""
    last = lane.frames[-1]
    if last.ended and last.state.running.all():
        return replace(lane, frames=(*lane.frames[:-1], replace(last, ended="")))
    return lane


def take_over(lane: Lane, step: int, position: int, token: int | None, lock: bool = True) -> Lane:
    """The lane up to a step, then with a token changed by hand; from there it can go on.

    Forwards that were spent count on, and so do clock and step. What a rule remembers of the way here stays; what the
    denoiser remembers of the sequence begins anew, because the sequence is another.

    Args:
        lane: any lane; what lies behind `step` is dropped.
        step: of the frame that is changed.
        position: of the token.
        token: that is to stand; None opens the position.
        lock: whether the sampler must leave the token as it is.

    Raises:
        ValueError: a position or a token that is not there, or a position in a block that is finished.
    """
    frame = lane.at(step)
    state, length = frame.state, frame.state.tokens.shape[1]
    if not 0 <= position < length:
        raise ValueError(f"there is no position {position}; they are 0 to {length - 1}")
    if token is not None and not 0 <= token < lane.sampler.denoiser.vocabulary:
        raise ValueError(f"there is no token {token}; they are 0 to {lane.sampler.denoiser.vocabulary - 1}")
    if lane.sampler.block_of(state)[0, position] < state.block[0] and bool(state.editable[0, position]):
        raise ValueError(
            "the block of this position is finished; step back to where it is written, and change it there"
        )
    with torch.inference_mode():
        state = _changed(lane.sampler, state, position, token, lock)
    shown = frame.tokens[position] if token is None else token
    changed = Frame(state, {position: Change(BY_HAND, shown, 1.0)})
    number = max(0, min(step, len(lane.frames) - 1))
    return replace(lane, frames=(*lane.frames[: number + 1], changed), last=None)


def _changed(sampler: Sampler, state: SamplerState, position: int, token: int | None, lock: bool) -> SamplerState:
    here = torch.arange(state.tokens.shape[1], device=state.tokens.device) == position
    noise = state.corruption.noise(state.tokens, lambda: state.noise.everywhere("renoise", len(here)))
    tokens = torch.where(here, noise if token is None else torch.full_like(noise, token), state.tokens)
    free = token is None or not lock
    inside = sampler.block_of(replace(state, editable=state.editable | here)) == state.block[:, None]
    changed = replace(
        state,
        tokens=tokens,
        editable=(state.editable & ~here) | (here & free),
        eligible=(state.eligible & ~here) | (here & free & inside),
        committed=(state.committed & ~here) | (here & (token is not None) & free),
        commit_probability=state.commit_probability.masked_fill(here, float(token is not None and free)),
        halt_reason=torch.full_like(state.halt_reason, HaltReason.RUNNING),
    )
    memory = sampler.denoiser.memory
    fresh = {} if memory is None else memory.init_carry(changed, sampler.denoiser.vocabulary)
    return replace(changed, carry={**changed.carry, **fresh})


def _stopped(lane: Lane, why: str) -> Lane:
    return replace(lane, frames=(*lane.frames[:-1], replace(lane.frames[-1], ended=why)))


def _frame(sampler: Sampler, done: Step) -> Frame:
    """What the one row of a step came to."""
    event, token, probability = events_of(done)
    changes = {
        place: Change(EVENT_NAMES[int(event[0, place])], int(token[0, place]), float(probability[0, place]))
        for place in (event[0] >= 0).nonzero()[:, 0].tolist()
    }
    halting, saw = sampler.halting, done.halt_decision
    numbers = {name: float(value[0]) for name, value in saw.seen.items()}
    if saw.probability is not None:
        numbers[PROBABILITY] = float(saw.probability[0])
    words = TraceHeader(explanation=halting.explanation).explain(numbers)
    return Frame(done.after, changes, words, _ended(sampler, done))


def _ended(sampler: Sampler, done: Step) -> str:
    reason = HaltReason(int(done.after.halt_reason[0]))
    if reason == HaltReason.RUNNING:
        return ""
    sentence = sampler.halting.sentence if reason == HaltReason.RULE else HALT_SENTENCES[reason]
    return f"{sentence}: {done.errors[0]}" if 0 in done.errors else sentence
