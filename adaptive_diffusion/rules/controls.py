"""Controls: halting at random, and halting in hindsight."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.answer import answer_now
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import Decision, HaltDecision, SamplerState


@dataclass(frozen=True)
class RandomHalting(Halting):
    """Stop after a number of steps drawn once a query from a histogram: the cost of another halting rule, spent
    without looking at the query. `histogram[i]` is the weight of i + 1 steps.

    Raises:
        ValueError: weights that are negative or all zero.
    """

    histogram: tuple[float, ...]
    reason = "control"
    sentence = "the control experiment stopped it"
    draws = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "histogram", tuple(self.histogram))
        if not self.histogram or min(self.histogram) < 0 or sum(self.histogram) <= 0:
            raise ValueError(
                f"histogram {self.histogram} is not a distribution of steps; give weights of at least 0, not all zero"
            )

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        mass = torch.tensor(self.histogram, dtype=torch.float64, device=state.key.device).cumsum(0)
        drawn = torch.searchsorted(mass, state.noise.once_a_query("halting") * mass[-1], right=True)
        return HaltDecision(state.step >= drawn)


@dataclass(frozen=True, eq=False)
class HindsightOracle(Halting):
    """Stop as soon as the answer would be right: what halting could save at best. A row that is never right runs on;
    the hindsight of regret (`evaluation.halting_metrics.hindsight_oracle`) gives it up at once.

    Attributes:
        correct: `correct(ids [B], answers [B, L])` → [B] bool, the task's judgement of each query's answer.
    """

    correct: Callable[[Tensor, Tensor], Tensor]
    reason = "control"
    sentence = "the control experiment stopped it"

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        answer = answer_now(state, prediction, decision, self.finish)
        return HaltDecision(self.correct(state.query, answer))
