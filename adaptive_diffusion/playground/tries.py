"""Samplers that answer a query several times: where a try begins, and which one counts."""

from dataclasses import dataclass, replace
from math import exp, inf

import torch

from adaptive_diffusion.core.answer import log_probability
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.playground.frames import Frame, Spent
from adaptive_diffusion.sampling.restart import seed_of_try
from adaptive_diffusion.sampling.sampler import Sampler


@dataclass(frozen=True)
class Tries:
    """The tries at one query.

    Attributes:
        queries: the query. What the user writes by hand becomes a part of it.
        variation: number of the answer.
        seed: of the first try; the next ones count on from it.
        most: how many there may be.
        enough: the probability of an answer from which on there is no further try.
    """

    queries: Queries
    variation: int
    seed: int
    most: int
    enough: float

    def begin(self, sampler: Sampler, number: int, spent: Spent) -> Frame:
        """The frame in which a try begins."""
        variation = torch.tensor([self.variation], device=self.queries.ids.device)
        with torch.inference_mode():
            state = sampler.begin(self.queries, variation, seed_of_try(self.seed, number))
        return Frame(state, number=number, spent=spent)

    def after(self, sampler: Sampler, frames: tuple[Frame, ...]) -> Frame:
        """The frame that follows the end of a try: the next one begins."""
        last = frames[-1]
        fresh = self.begin(sampler, last.number + 1, Spent(last.nfe, last.token_forwards))
        return replace(fresh, changes=last.changes_to(fresh), note=f"Try {fresh.number + 1} of {self.most} begins.")

    def scored(self, frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        """Frames whose last one has just ended a try. Where a further try follows, that frame does not end the answer;
        where an earlier try is better than the last one, a frame with that answer follows."""
        if self.most == 1:
            return frames
        last = self._scored(frames[-1])
        frames = (*frames[:-1], last)
        best = max((frame for frame in frames if frame.score is not None), key=lambda frame: frame.score or 0.0)
        done = best.faulty or last.number + 1 >= self.most or exp(best.score or 0.0) >= self.enough
        if not done:
            return (*frames[:-1], replace(last, ended="", note=f"{last.note} The query is answered again."))
        if best is last:
            return frames
        spent = Spent(last.nfe - int(best.state.nfe[0]), last.token_forwards - int(best.state.token_forwards[0]))
        why = f"of {last.number + 1} tries, the answer of try {best.number + 1} has the highest probability"
        before = replace(last, ended="")
        counts = Frame(best.state, last.changes_to(best), ended=why, number=last.number, score=best.score, spent=spent)
        return (*frames[:-1], before, counts)

    def _scored(self, frame: Frame) -> Frame:
        state = frame.state
        score = -inf if frame.faulty else float(log_probability(state.commit_probability, state.editable)[0])
        note = (
            f"Try {frame.number + 1} of {self.most} ended: {frame.ended}. The probability of its answer is "
            f"{exp(score):.2f}, and {self.enough:g} is enough."
        )
        return replace(frame, score=score, note=note)

    def with_token(self, position: int, token: int | None, lock: bool) -> "Tries":
        """Tries at the query in which a token was written by hand, or a position opened."""
        tokens, editable = self.queries.tokens.clone(), self.queries.editable.clone()
        drafted = self.queries.start[1].clone()
        tokens[0, position] = 0 if token is None else token
        editable[0, position] = token is None or not lock
        drafted[0, position] = token is not None and not lock
        return replace(self, queries=replace(self.queries, tokens=tokens, editable=editable, drafted=drafted))
