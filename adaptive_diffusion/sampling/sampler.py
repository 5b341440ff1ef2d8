"""A sampler: a denoiser and a handful of small values."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from adaptive_diffusion.core.part import Halting, Part, Plan, Proposal, Remasking, UnmaskingOrder, UnmaskingPace
from adaptive_diffusion.core.prediction import Denoiser, LogitProcessor, Reading
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.readings import Top
from adaptive_diffusion.core.row_noise import row_key
from adaptive_diffusion.core.state import HaltReason, SamplerState
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.halting import AllCommitted
from adaptive_diffusion.rules.order import Confidence
from adaptive_diffusion.rules.pace import FixedCount
from adaptive_diffusion.rules.proposal import Argmax
from adaptive_diffusion.rules.remasking import NoRemasking
from adaptive_diffusion.sampling.result import Recorder, SampleResult
from adaptive_diffusion.sampling.slots import Loop, continuous
from adaptive_diffusion.sampling.step import Step


class Observer(Protocol):
    """Watches the loop without touching it: a trace recorder, a progress bar."""

    def __call__(self, step: Step) -> None: ...


@dataclass(frozen=True)
class Sampler:
    """One loop's worth of answers to: which token, which position first, how many now, which was a mistake, who is
    finished.

    `plan` replaces order, pace and remasking by a rule that decides jointly. `processors` change logits before anything
    is read or drawn from them.

    Raises:
        ValueError: a rule that does not serve the denoiser's corruption.
    """

    denoiser: Denoiser
    proposal: Proposal = field(default_factory=Argmax)
    order: UnmaskingOrder = field(default_factory=Confidence)
    pace: UnmaskingPace = field(default_factory=FixedCount)
    remasking: Remasking = field(default_factory=NoRemasking)
    halting: Halting = field(default_factory=AllCommitted)
    plan: Plan | None = None
    processors: tuple[LogitProcessor, ...] = ()

    def __post_init__(self) -> None:
        kind = self.denoiser.corruption.kind
        for part in (*self.parts, *self.processors):
            if kind not in part.corruptions:
                raise ValueError(
                    f"{type(part).__name__} serves {' and '.join(sorted(part.corruptions))} corruption, but the "
                    f"denoiser was trained under {kind} noise; choose a rule for {kind} noise "
                    "(`adaptive-diffusion samplers` lists them)"
                )

    @cached_property
    def whole_plan(self) -> Plan:
        """The plan: the joint rule, or order, pace and remasking composed."""
        return self.plan or Composed(self.order, self.pace, self.remasking)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The rules asked at every step, and what the denoiser itself remembers between two."""
        memory = getattr(self.denoiser, "memory", None)
        return self.proposal, self.whole_plan, self.halting, *((memory,) if memory is not None else ())

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """What the parts read, each once; the argmax always, since a halted row may have to be filled."""
        return tuple(dict.fromkeys((Top(), *(reading for part in self.parts for reading in part.reads()))))

    @cached_property
    def reads_committed(self) -> bool:
        """Whether any part looks at committed positions."""
        return any(part.reads_committed for part in self.parts)

    def begin(self, queries: Queries, variation: Tensor, seed: int) -> SamplerState:
        """Canvases of pure noise around what is given. `variation` [B] int64 numbers the answers to the same query."""
        batch, length = queries.tokens.shape
        number = torch.zeros(batch, dtype=torch.int64, device=queries.tokens.device)
        nowhere = torch.zeros_like(queries.editable)
        state = SamplerState(
            corruption=self.denoiser.corruption,
            query=queries.ids,
            variation=variation,
            key=row_key(seed, queries.ids, variation),
            tokens=queries.tokens,
            editable=queries.editable,
            eligible=queries.editable,
            committed=nowhere,
            commit_probability=torch.zeros_like(queries.tokens, dtype=torch.float32),
            commit_step=torch.full_like(queries.tokens, -1, dtype=torch.int32),
            revisions=torch.zeros_like(queries.tokens, dtype=torch.int32),
            noise_level=number.double(),
            nfe=number,
            step=number,
            block=number,
            halt_reason=torch.where(queries.editable.any(1), HaltReason.RUNNING, HaltReason.SETTLED),
        )
        noise = state.corruption.noise(state.tokens, lambda: state.noise.everywhere("start", length))
        state = replace(state, tokens=torch.where(state.editable, noise, state.tokens))
        state = replace(state, noise_level=self.whole_plan.first_level(state))
        vocabulary = self.denoiser.vocabulary
        carry = {name: value for part in self.parts for name, value in part.start(state, vocabulary).items()}
        return replace(state, carry=carry)

    def step_limit(self, length: int) -> int:
        """How many steps a canvas of this length may take when nobody says otherwise."""
        return self.whole_plan.horizon(length)

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
            max_steps: the step limit; by default the plan's own horizon.
            observers: called after every step.
            loop: `continuous` (halted rows leave, waiting queries take their slots) or `frozen` (they stay to the end).

        Warns:
            UserWarning: a rule that may revise revised nothing, in any answer: its threshold is out of reach, or the
                summaries it goes by say nothing about standing tokens.

        Raises:
            ValueError: n, slots or max_steps below 1.
        """
        for name, value in (("n", n), ("slots", slots), ("max_steps", max_steps)):
            if value is not None and value < 1:
                raise ValueError(f"{name}={value}; it must be at least 1")
        limit = max_steps or self.step_limit(queries.tokens.shape[1])
        recorder = Recorder(queries, n)
        for step in loop(self, queries, n, seed, slots, limit):
            recorder(step)
            for observer in observers:
                observer(step)
        result = recorder.result()
        if self.whole_plan.revises and len(queries) and not result.revisions.any():
            warnings.warn(f"{self._revising} revised nothing in {len(result.answers)} answers", stacklevel=3)
        return result

    @property
    def _revising(self) -> str:
        return type(self.remasking if self.plan is None else self.plan).__name__
