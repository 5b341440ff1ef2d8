"""Starting over: the baseline of every correction."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch

from adaptive_diffusion.core.denoiser import Denoiser
from adaptive_diffusion.core.parameters import Parameters
from adaptive_diffusion.core.prediction import LogitProcessor
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rule import Halting, Proposal
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.rules.calibrated import CalibratedParameter
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.sampler import Observer, Sampler


@dataclass(frozen=True)
class Restart(Parameters):
    """Best of n by the model's own score: a query is answered again, with other draws, until an answer scores `enough`
    or `tries` are spent; the best one counts, and the forwards of all of them.

    The score is the probability of the answer as it was written, ∏ over its tokens. The inner sampler must draw, or
    every try is the same.

    Raises:
        ValueError: fewer than one try.
    """

    sampler: Sampler
    tries: int = 4
    enough: float = 0.9

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise ValueError(f"tries={self.tries} answers nothing; use at least 1")

    @property
    def one_try(self) -> Sampler:
        """The sampler of a single try."""
        return self.sampler

    @property
    def halting(self) -> Halting:
        """The halting rule of the inner sampler."""
        return self.sampler.halting

    @property
    def proposal(self) -> Proposal:
        """The proposal of the inner sampler."""
        return self.sampler.proposal

    @property
    def processors(self) -> tuple[LogitProcessor, ...]:
        """The logit processors of the inner sampler."""
        return self.sampler.processors

    @property
    def head_names(self) -> list[str]:
        """The heads that the rules of the inner sampler predict with."""
        return self.sampler.head_names

    @property
    def calibrated(self) -> CalibratedParameter | None:
        """The calibrated parameter of the inner sampler."""
        return self.sampler.calibrated

    @classmethod
    def of(cls, denoiser: Denoiser, sampler: Callable[[Denoiser], Sampler], tries: int = 4, enough: float = 0.9):
        """How a config asks for it."""
        return cls(sampler(denoiser), tries, enough)

    def at_setting(self, setting: float | None) -> "Restart":
        """The same sampler with the calibrated parameter of the inner one at a setting; None is the full budget."""
        return replace(self, sampler=self.sampler.at_setting(setting))

    def with_rules(self, **rules: Any) -> "Restart":
        """The same sampler with other rules of the inner one, by their names."""
        return replace(self, sampler=self.sampler.with_rules(**rules))

    def sample(
        self, queries: Queries, n: int = 1, seed: int = 0, slots: int = 256, observers: Iterable[Observer] = ()
    ) -> SampleResult:
        """One answer to each query, in their order. Observers see the try that counts, which is sampled a second time
        for them; `nfe` and `steps` of the result are those of all tries.

        Raises:
            ValueError: more than one variation of a query.
        """
        if n != 1:
            raise ValueError(f"restart keeps the best of its tries, one answer to a query, not {n}; leave out n")
        best = self.sampler.sample(queries, seed=seed, slots=slots)
        counts = torch.zeros_like(best.nfe, dtype=torch.long)
        for number in range(1, self.tries):
            hopeful = best.halt_reason != HaltReason.FAULT
            pending = (hopeful & (best.log_probability.exp() < self.enough)).nonzero()[:, 0]
            if not len(pending):
                break
            again = self.sampler.sample(queries.take(pending), seed=seed_of_try(seed, number), slots=slots)
            better = again.log_probability > best.log_probability[pending]
            counts[pending[better]] = number
            chosen = {
                name: getattr(best, name).index_copy(0, pending[better], getattr(again, name)[better])
                for name in ("answers", "halt_reason", "log_probability")
            }
            spent = {
                name: getattr(best, name).index_add(0, pending, getattr(again, name))
                for name in ("nfe", "steps", "token_forwards", "revisions", "rewrites")
            }
            met = {
                name: getattr(best, name) | torch.zeros_like(best.cycled).index_copy(0, pending, getattr(again, name))
                for name in ("cycled", "budget_spent")
            }
            rows = best.rows_forwarded + again.rows_forwarded
            best = replace(best, **chosen, **spent, **met, rows_forwarded=rows)
        if observers := tuple(observers):
            for number in counts.unique().tolist():
                of_try = queries.take((counts == number).nonzero()[:, 0])
                self.sampler.sample(of_try, seed=seed_of_try(seed, number), slots=slots, observers=observers)
        return best


def seed_of_try(seed: int, number: int) -> int:
    """The seed of a try; tries of neighbouring seeds have none in common."""
    return seed + (number << 32)
