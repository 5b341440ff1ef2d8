"""A lane: one sampler on its way to one answer, every step of it at hand."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic

import torch

from adaptive_diffusion.core.state import HaltReason, SamplerState
from adaptive_diffusion.playground.board import Board
from adaptive_diffusion.playground.frames import BY_HAND, Change, Frame, Spent, frame_of
from adaptive_diffusion.playground.limits import Limits
from adaptive_diffusion.playground.tries import Tries
from adaptive_diffusion.sampling.faults import step_isolating_faults
from adaptive_diffusion.sampling.models import device_of
from adaptive_diffusion.sampling.restart import Restart
from adaptive_diffusion.sampling.reuse import LastEvaluation
from adaptive_diffusion.sampling.sampler import Sampler


@dataclass(frozen=True)
class Lane:
    """One answer on its way.

    Attributes:
        title: what the sampler is called.
        sampler: of one try.
        tries: at the query.
        frames: the start and what each step led to; never empty.
        last: the last evaluation, where the next step may use it again.
    """

    title: str
    sampler: Sampler
    tries: Tries
    frames: tuple[Frame, ...]
    last: LastEvaluation | None = None

    @property
    def ended(self) -> bool:
        """Whether no step is left to take."""
        return bool(self.frames[-1].ended)

    def at(self, step: int) -> Frame:
        """The frame after so many steps, the last one where there are fewer."""
        return self.frames[max(0, min(step, len(self.frames) - 1))]


def start(sampler: Sampler | Restart, title: str, board: Board, variations: int, seed: int) -> list[Lane]:
    """Lanes at their start, one for each variation. The answers are those of `sample` for the same query.

    Raises:
        ValueError: a board on which nothing is open.
    """
    once = sampler.one_try
    queries = board.queries()
    queries = queries.to(device_of(once.denoiser, queries.ids.device))
    lanes = []
    for variation in range(variations):
        tries = Tries(queries, variation, seed, sampler.tries, sampler.enough)
        named = title if variations == 1 else f"{title}, variation {variation}"
        lanes.append(Lane(named, once, tries, (tries.begin(once, 0, Spent()),)))
    return lanes


def advance(lane: Lane, limits: Limits) -> Lane:
    """The lane after its next step; the same lane where it has ended."""
    if lane.ended:
        return lane
    present = lane.frames[-1]
    if present.score is not None:
        return replace(lane, frames=(*lane.frames, lane.tries.after(lane.sampler, lane.frames)), last=None)
    longest = min(lane.sampler.step_limit(present.state.tokens.shape[1]), limits.steps)
    with torch.inference_mode():
        done = step_isolating_faults(lane.sampler, present.state, longest, lane.last)
        last = LastEvaluation.of(lane.sampler.denoiser, done)
    frame = replace(frame_of(lane.sampler, done), number=present.number, spent=present.spent)
    frames = (*lane.frames, frame)
    return replace(lane, frames=lane.tries.scored(frames) if frame.ended else frames, last=last)


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
    """The lane without the end that a limit put to it; one that its sampler ended stays ended."""
    last = lane.frames[-1]
    if last.paused:
        return replace(lane, frames=(*lane.frames[:-1], replace(last, ended="", paused=False)))
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
    changed = Frame(state, {position: Change(BY_HAND, shown, 1.0)}, number=frame.number, spent=frame.spent)
    number = max(0, min(step, len(lane.frames) - 1))
    tries = lane.tries.with_token(position, token, lock)
    behind = tuple(replace(earlier, score=None) for earlier in lane.frames[: number + 1])  # scores of another query
    return replace(lane, tries=tries, frames=(*behind, changed), last=None)


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
    return replace(lane, frames=(*lane.frames[:-1], replace(lane.frames[-1], ended=why, paused=True)))
