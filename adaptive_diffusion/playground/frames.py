"""A frame: a sequence between two steps, and what led to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adaptive_diffusion.core.events import EVENT_NAMES, OPEN
from adaptive_diffusion.core.state import HALT_SENTENCES, HaltReason, SamplerState
from adaptive_diffusion.core.trace_header import PROBABILITY, TraceHeader
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
class Spent:
    """The forwards of earlier tries, and the positions that were computed in them."""

    forwards: int = 0
    positions: int = 0


@dataclass(frozen=True)
class Frame:
    """A sequence between two steps.

    Attributes:
        state: of the sampler, one row.
        changes: position → what the step before did there.
        halting: the numbers that the halting rule used in that step, in a sentence; empty if it has none.
        ended: why the answer is finished; empty while it is not.
        paused: the answer is not finished, and `ended` is the limit that stopped it.
        number: of the try, from 0.
        score: log-probability of the answer, in the frame in which a try ends.
        spent: in earlier tries.
        note: what became of a try, as a sentence.
    """

    state: SamplerState
    changes: Mapping[int, Change] = field(default_factory=dict)
    halting: str = ""
    ended: str = ""
    paused: bool = False
    number: int = 0
    score: float | None = None
    spent: Spent = Spent()
    note: str = ""

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
        return self.spent.forwards + int(self.state.nfe[0])

    @property
    def token_forwards(self) -> int:
        """Positions computed so far, summed over forwards."""
        return self.spent.positions + int(self.state.token_forwards[0])

    @property
    def faulty(self) -> bool:
        """Whether the state could not be stepped from."""
        return int(self.state.halt_reason[0]) == HaltReason.FAULT

    def changes_to(self, other: "Frame") -> dict[int, Change]:
        """What differs in another frame: tokens that are gone there, and tokens that are others."""
        found = {}
        for place, (token, new) in enumerate(zip(self.tokens, other.tokens, strict=True)):
            if token != new:
                kind = "remask" if new == OPEN else "commit" if token == OPEN else "replace"
                gone = new == OPEN
                found[place] = Change(kind, token if gone else new, (self if gone else other).probability[place])
        return found


def frame_of(sampler: Sampler, done: Step) -> Frame:
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
