"""What each row of a recording would answer after every step, for measures that need the tokens."""

import torch
from torch import Tensor

from adaptive_diffusion.sampling.step import Step


class AnswersByStep:
    """An observer of the loop that keeps the answer of every running row after each step. Pass it to
    `rollouts.record`, whose rows and steps it follows."""

    def __init__(self):
        self.parts: list[tuple[Tensor, Tensor, Tensor]] = []

    def __call__(self, step: Step) -> None:
        live = step.before.running.nonzero()[:, 0]
        self.parts.append((step.before.query[live], step.before.steps_taken[live], step.answer[live]))

    def packed(self) -> Tensor:
        """[S, L], packed as `Rollouts.score` is: by query id, then by step."""
        query, taken, answer = (torch.cat(part).cpu() for part in zip(*self.parts, strict=True))
        return answer[(query * (int(taken.max()) + 1) + taken).argsort()]
