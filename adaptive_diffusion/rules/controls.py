"""Controls: halting that knows nothing, and halting that knows everything."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.answer import answer_now
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import Decision, HaltDecision, HaltReason, SamplerState


@dataclass(frozen=True)
class RandomHalting(Halting):
    """Stop after a number of steps drawn once a query from a histogram: the compute of another halting rule, spent
    without looking. `histogram[i]` is the weight of i + 1 steps.

    Raises:
        ValueError: weights that are negative or all zero.
    """

    histogram: tuple[float, ...]
    reason = HaltReason.CONTROL

    def __post_init__(self) -> None:
        object.__setattr__(self, "histogram", tuple(self.histogram))
        if not self.histogram or min(self.histogram) < 0 or sum(self.histogram) <= 0:
            raise ValueError(f"histogram {self.histogram} is no distribution of steps; give weights, not all zero")

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        mass = torch.tensor(self.histogram, dtype=torch.float64, device=state.key.device).cumsum(0)
        drawn = torch.searchsorted(mass, state.noise.once_a_query("halting") * mass[-1], right=True)
        return HaltDecision(state.step >= drawn)


@dataclass(frozen=True, eq=False)
class HindsightOracle(Halting):
    """Stop as soon as the answer would be right: what halting could save at best. A row that is never right runs on.

    Attributes:
        query: [N] int64 ids.
        truth: [N, L] int64.

    Raises:
        ValueError: a query whose truth is not known.
    """

    query: Tensor
    truth: Tensor
    reason = HaltReason.CONTROL

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        ids, order = self.query.sort()
        place = torch.searchsorted(ids, state.query).clamp(max=len(ids) - 1)
        if not torch.equal(ids[place], state.query):
            missing = int(state.query[ids[place] != state.query][0])
            raise ValueError(f"query {missing} has no truth; the hindsight oracle needs one for every query")
        truth = self.truth[order[place]]
        answer = answer_now(state, prediction, decision, self.finish)
        return HaltDecision(((answer == truth) | ~state.eligible).all(1))
