"""Halting rules applied to recorded rollouts: every setting is tried without a forward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from adaptive_diffusion.config import instantiate
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.halting_metrics import StoppingTable
from adaptive_diffusion.rules.learned_halting import HeadHalting
from adaptive_diffusion.runs.counterfactual_rollouts import stopping_table
from adaptive_diffusion.training.rollouts import Rollouts

STRIDE = 10
"""Settings of a learned rule from one point of its curve to the next, so that rules have about equally many points."""


@dataclass(frozen=True)
class Fitted:
    """A halting rule whose head has looked at recorded rollouts."""

    name: str
    rule: HeadHalting
    rollouts: Rollouts
    head_output: Tensor

    @cached_property
    def table(self) -> StoppingTable:
        """What each query would answer and have cost if it were stopped after each step."""
        return stopping_table(self.rollouts)

    def stops(self, setting: float) -> tuple[Tensor, Tensor]:
        """Steps [N] and the probability predicted there [N]."""
        return self.rollouts.halted(self.rule.with_threshold(setting), self.head_output)

    def spent(self, setting: float) -> np.ndarray:
        """NFE [N]."""
        return self.rollouts.spent(self.stops(setting)[0]).numpy()

    def at(self, setting: float) -> ScoredAnswers:
        """Cost and quality of each answer."""
        quality, cost = self.table.at(self.stops(setting)[0].numpy())
        return ScoredAnswers(f"{self.name} {setting:.4g}", self.name, self.rollouts.query.numpy(), cost, quality)

    def curve(self) -> dict[float, ScoredAnswers]:
        """The answers at every `STRIDE`-th setting, from the one that stops latest to the one that stops earliest."""
        return {setting: self.at(setting) for setting in self.rule.settings[::STRIDE]}


@dataclass(frozen=True)
class Trial:
    """A halting rule without learning at one setting, tried while rollouts are recorded."""

    name: str
    family: str
    rule: Halting


def trials(samplers: Mapping[str, Any], allow: Sequence[str]) -> list[Trial]:
    """The halting rules of samplers at each setting of their calibrated parameter.

    Args:
        samplers: name → node with the sampler and its family, each with a halting rule whose parameter it declares.
        allow: modules outside this package that nodes may name.

    Raises:
        ValueError: a sampler whose calibrated parameter is not one of a halting rule without a head.
    """
    found = []
    for name, node in samplers.items():
        rules = instantiate(node["sampler"], allow).keywords
        parameter = rules.get("calibrated")
        if parameter is None or parameter.role != "halting" or rules["halting"].missing_heads():
            raise ValueError(f"{name}: only halting rules without a head, with a `calibrated` setting, are tried so")
        for setting in parameter.settings:
            rule: Any = parameter.changes(rules, setting)["halting"]
            found.append(Trial(f"{name} {setting:g}", node["family"], rule))
    return found


def tried_answers(rollouts: Rollouts, tried: Sequence[Trial], table: StoppingTable) -> list[ScoredAnswers]:
    """The answers of the rules that were tried while these rollouts were recorded, in their order.

    Raises:
        ValueError: another number of rules than was recorded.
    """
    if rollouts.stops.shape[1] != len(tried):
        raise ValueError(
            f"{rollouts.stops.shape[1]} rules were tried on these rollouts, not {len(tried)}; record again"
        )
    found = []
    for number, one in enumerate(tried):
        quality, cost = table.at(rollouts.stopped(rollouts.stops[:, number]).numpy())
        found.append(ScoredAnswers(one.name, one.family, rollouts.query.numpy(), cost, quality))
    return found
