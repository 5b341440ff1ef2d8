"""Several halting rules tried on one trajectory."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import Decision, HaltDecision, SamplerState
from adaptive_diffusion.core.step_summaries import SummarisedHalting


@dataclass(frozen=True)
class HaltingTrials(SummarisedHalting):
    """Never stop a row, but decide at every step whether each of several rules would: a halting rule changes nothing
    before it stops, so one trajectory shows where every rule and every setting stops.

    `seen` holds the decision of rule number n under the name "n". Rules of one class share what they carry, so they may
    differ in settings that their carry does not depend on.
    """

    rules: tuple[Halting, ...] = ()
    reason = "all_committed"
    sentence = "every position is committed"

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", tuple(self.rules))
        object.__setattr__(self, "reads_all_blocks", any(rule.reads_all_blocks for rule in self.rules))

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        own = super().logit_statistics()
        return tuple(dict.fromkeys((*own, *(one for rule in self.rules for one in rule.logit_statistics()))))

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        carried = {name: value for rule in self.rules for name, value in rule.init_carry(state, vocabulary).items()}
        return {**super().init_carry(state, vocabulary), **carried}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        updates = [rule.update_carry(state, prediction, decision) for rule in self.rules]
        carried = {name: value for update in updates for name, value in update.items()}
        return {**super().update_carry(state, prediction, decision), **carried}

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        seen = {str(number): rule(state, prediction, decision).stop for number, rule in enumerate(self.rules)}
        return HaltDecision(torch.zeros_like(decision.settled), seen=seen)

    @staticmethod
    def decisions(halt_decision: HaltDecision) -> Tensor:
        """[B, M] bool, which of the M rules would stop each row."""
        stops = list(halt_decision.seen.values())
        return torch.stack(stops, dim=1) if stops else halt_decision.stop.new_zeros(len(halt_decision.stop), 0)
