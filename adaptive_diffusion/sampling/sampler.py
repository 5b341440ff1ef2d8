"""A sampler: a recipe and the loop that follows it."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.sampling.editing import Edited, edited
from adaptive_diffusion.sampling.recipe import Recipe
from adaptive_diffusion.sampling.result import Recorder, SampleResult
from adaptive_diffusion.sampling.slots import Loop, continuous
from adaptive_diffusion.sampling.step import Step
from adaptive_diffusion.tasks.text.changes import Change
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer


class Observer(Protocol):
    """Watches the loop without touching it: a trace recorder, a progress bar."""

    def __call__(self, step: Step) -> None: ...


@dataclass(frozen=True)
class Sampler(Recipe):
    """Answers queries by a recipe: `Sampler(denoiser, proposal, order, pace, remasking, halting, plan, processors,
    block_length, limits)`."""

    @torch.inference_mode()
    def sample(
        self,
        queries: Queries,
        n: int = 1,
        seed: int = 0,
        slots: int = 256,
        max_steps: int | None = None,
        observers: Iterable[Observer] = (),
        loop: Loop = continuous,
    ) -> SampleResult:
        """Answers every query `n` times.

        Args:
            queries: N queries; their answers come back in this order, the variations of a query together.
            n: variations a query, each equal to what a call for it alone would give.
            seed: keys all randomness together with query id and variation.
            slots: canvases forwarded at once. It changes the speed, never an answer.
            max_steps: the step limit, of each block where there are blocks; by default the plan's own horizon.
            observers: called after every step.
            loop: `continuous` (halted rows leave, waiting queries take their slots) or `frozen` (they stay to the end).

        Warns:
            UserWarning: a rule that may revise revised nothing, in any answer: its threshold is out of reach, or the
                summaries it goes by say nothing about standing tokens.

        Raises:
            ValueError: n, slots or max_steps below 1.
            Exception: whatever the denoiser raises, where it raises for every row. Where it raises for some, these end
                with `HaltReason.FAULT`, are warned of and told in `SampleResult.faults`.
        """
        for name, value in (("n", n), ("slots", slots), ("max_steps", max_steps)):
            if value is not None and value < 1:
                raise ValueError(f"{name}={value}; it must be at least 1")
        limit = max_steps or self.step_limit(queries.tokens.shape[1])
        recorder = Recorder(queries, n)
        for step in loop(self, queries, n, seed, slots, limit):
            recorder(step)
            if recorder.hopeless:
                raise recorder.errors[0]
            for observer in observers:
                observer(step)
        result = recorder.result()
        if result.faults:
            row, why = next(iter(result.faults.items()))
            told = f"{len(result.faults)} of {len(result.answers)} answers ended in a fault, the first at query "
            warnings.warn(f"{told}{int(result.query[row])}: {why}", stacklevel=3)
        if self.whole_plan.revises and len(queries) and not result.revisions.any():
            warnings.warn(f"{self._revising} revised nothing in {len(result.answers)} answers", stacklevel=3)
        return result

    def edit(
        self,
        text: bytes,
        changes: Sequence[Change],
        tokenizer: Tokenizer,
        longest: int,
        n: int = 1,
        seed: int = 0,
        **options: Any,
    ) -> Edited:
        """Changes spans of a text and keeps all else to the byte; remasking may revise inside the spans only.

        Args:
            text: what is edited, of any length; the canvas holds the changes and the surroundings that fit.
            changes: what is written anew, revised, inserted or deleted.
            tokenizer: the denoiser's.
            longest: tokens of the largest canvas the denoiser knows.
            n: variations, whose seeds are `seed`, `seed` + 1, …; five in one call are five single calls.
            options: of `sample`.

        Raises:
            ValueError: changes that overlap, lie outside the text or too far apart, or n below 1.
        """
        return edited(self.sample, text, changes, tokenizer, longest, n, seed, options)

    @property
    def _revising(self) -> str:
        return type(self.remasking if self.plan is None else self.plan).__name__
