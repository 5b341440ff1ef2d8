"""A sampler: a denoiser and its rules, run by the sampling loop."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from adaptive_diffusion.core.denoiser import Denoiser
from adaptive_diffusion.core.logit_statistics import Top
from adaptive_diffusion.core.prediction import LogitProcessor, LogitStatistic
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.row_noise import row_key
from adaptive_diffusion.core.rule import Halting, Plan, Proposal, Remasking, Rule, UnmaskingOrder, UnmaskingPace
from adaptive_diffusion.core.state import HaltReason, SamplerState
from adaptive_diffusion.rules.calibrated import CalibratedParameter
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.halting import AllCommitted
from adaptive_diffusion.rules.order import Confidence
from adaptive_diffusion.rules.pace import FixedCount
from adaptive_diffusion.rules.proposal import Argmax
from adaptive_diffusion.rules.remasking import NoRemasking
from adaptive_diffusion.rules.revision_limits import RevisionLimits
from adaptive_diffusion.sampling import checks
from adaptive_diffusion.sampling.end_of_text import end_of_text
from adaptive_diffusion.sampling.models import device_of, heads_of
from adaptive_diffusion.sampling.result import Recorder, SampleResult
from adaptive_diffusion.sampling.slots import Loop, continuous
from adaptive_diffusion.sampling.step import Step


class Observer(Protocol):
    """Watches the loop without touching it: a trace recorder, a progress bar."""

    def __call__(self, step: Step) -> None: ...


@dataclass(frozen=True)
class Sampler:
    """Samples sequences from a discrete diffusion model with interchangeable rules for proposal, unmasking order,
    unmasking pace, remasking and halting.

    Example:
        model = ad.load("runs/mine")  # a run folder or a checkpoint
        sampler = ad.Sampler(model, pace=ad.pace.Threshold(0.9))
        answers = sampler.sample(ad.Queries.of(torch.full((1, 36), 6), torch.ones(1, 36))).answers

    Attributes:
        denoiser: predicts clean tokens; rules that predict with a head get the head of this model.
        proposal: chooses a candidate token for each position.
        order: scores open positions; those with the highest scores are committed first.
        pace: how many open positions are committed in a step.
        remasking: which committed positions are masked again.
        halting: when a row stops.
        plan: one rule that decides jointly, in place of order, pace and remasking.
        processors: change logits before anything is read or drawn from them.
        block_length: the answer is written from left to right in blocks of so many positions, counted from the first
            editable one: only the present block is eligible, and time, steps and memories begin anew in each. What ends
            a row without blocks, a halting rule or the step limit included, ends a block (semi-autoregressive sampling;
            Arriola et al. 2025, BD3-LM, arXiv 2503.09573; Nie et al. 2025, arXiv 2502.09992).
        limits: end the revising of a plan without a clock or bound of its own; None lets it go on to the step limit.
        end_tokens: a row halts as soon as one of them is committed with nothing open before it (with
            `Plan.commits_noise` after all of its steps); the positions after it are filled with that token. Leave them
            out for models that write on after it.
        calibrated: the parameter that risk control chooses; None where nothing is to be chosen.
        tries, enough: those of a sampler that answers once (`sampling.restart`).

    Raises:
        ValueError: a part of another kind than its role asks for; a rule whose head the model lacks; blocks of no
            position; an end token outside the vocabulary; a rule or processor that does not serve the denoiser's
            corruption; `Suppress` after `TopK` or `TopP`; blocks with a rule that reads them all, where the denoiser
            computes the present one alone.
    """

    denoiser: Denoiser
    proposal: Proposal = field(default_factory=Argmax)
    order: UnmaskingOrder = field(default_factory=Confidence)
    pace: UnmaskingPace = field(default_factory=FixedCount)
    remasking: Remasking = field(default_factory=NoRemasking)
    halting: Halting = field(default_factory=AllCommitted)
    plan: Plan | None = None
    processors: tuple[LogitProcessor, ...] = ()
    block_length: int | None = None
    limits: RevisionLimits | None = field(default_factory=RevisionLimits)
    end_tokens: tuple[int, ...] = ()
    calibrated: CalibratedParameter | None = None
    tries: ClassVar[int] = 1
    enough: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        checks.check_kinds(self.__dict__)
        self._bind_heads()
        object.__setattr__(self, "end_tokens", tuple(self.end_tokens))
        checks.check_end_tokens(self.end_tokens, self.denoiser.vocabulary)
        checks.check_corruption((*self.rules, *self.processors), self.denoiser.corruption.kind)
        checks.check_processors(self.processors)
        deciding = (self.order, self.pace, self.remasking) if self.plan is None else (self.plan,)
        checks.check_blocks((*deciding, self.halting), self.denoiser, self.block_length)

    def _bind_heads(self) -> None:
        """Gives rules that predict with a head the one of the model."""
        for role in ("proposal", "order", "pace", "remasking", "halting", "plan"):
            rule = self.__dict__[role]
            if rule is not None and rule.missing_heads():
                object.__setattr__(self, role, rule.bind(heads_of(self.denoiser)))

    @cached_property
    def full_plan(self) -> Plan:
        """The plan: the joint rule, or order, pace and remasking composed; within limits where it needs any."""
        plan = self.plan or Composed(self.order, self.pace, self.remasking)
        return plan if self.limits is None else self.limits.around(plan)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of every step, and the denoiser's own memory between two steps."""
        memory = self.denoiser.memory
        return self.proposal, self.full_plan, self.halting, *((memory,) if memory is not None else ())

    @property
    def one_try(self) -> "Sampler":
        """The sampler of a single try at a query: this one, whose first answer counts."""
        return self

    @property
    def head_names(self) -> list[str]:
        """The heads that its rules predict with, sorted; empty for a sampler without learning."""
        return sorted({head for rule in self.rules for head in rule.head_names()})

    @cached_property
    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        """The statistics that the rules need, each once; the argmax always, since a halted row may be filled."""
        return tuple(
            dict.fromkeys((Top(), *(statistic for rule in self.rules for statistic in rule.logit_statistics())))
        )

    @cached_property
    def reads_committed(self) -> bool:
        """Whether any rule looks at committed positions, or may take them back, to be filled where a row stops."""
        return self.full_plan.revises or any(rule.reads_committed for rule in self.rules)

    @cached_property
    def reads_all_blocks(self) -> bool:
        """Whether any rule looks beyond the present block, or may end it with the later ones, which are filled then."""
        return self.halting.ends_answer or any(rule.reads_all_blocks for rule in self.rules)

    def begin(self, queries: Queries, variation: Tensor, seed: int) -> SamplerState:
        """States of pure noise around what is given and drafted. `variation` [B] int64 numbers the answers to the same
        query."""
        batch, length = queries.tokens.shape
        number = torch.zeros(batch, dtype=torch.int64, device=queries.tokens.device)
        noisy, committed = queries.start
        state = SamplerState(
            corruption=self.denoiser.corruption,
            query=queries.ids,
            variation=variation,
            key=row_key(seed, queries.ids, variation),
            tokens=queries.tokens,
            editable=queries.editable,
            eligible=torch.zeros_like(queries.editable),
            committed=committed,
            commit_probability=committed.float(),
            commit_step=torch.full_like(queries.tokens, -1, dtype=torch.int32),
            revisions=torch.zeros_like(queries.tokens, dtype=torch.int32),
            noise_level=number.double(),
            nfe=number,
            token_forwards=number,
            block=number,
            step=number,
            earlier_steps=number,
            halt_reason=torch.where(queries.editable.any(1), HaltReason.RUNNING, HaltReason.ALL_COMMITTED),
        )
        noise = state.corruption.noise(state.tokens, lambda: state.noise.everywhere("start", length))
        return self.open_block(replace(state, tokens=torch.where(noisy, noise, state.tokens)), number)

    def with_rules(self, **rules: Any) -> "Sampler":
        """The same sampler with other rules, by their names: `with_rules(end_tokens=(3,))`."""
        return replace(self, **rules)

    def at_setting(self, setting: float | None) -> "Sampler":
        """The same sampler with its calibrated parameter at a setting; None is the full budget.

        Raises:
            ValueError: a sampler that declares no calibrated parameter.
        """
        if self.calibrated is None:
            raise ValueError("this sampler declares no `calibrated` parameter, so no setting can be chosen for it")
        return replace(self, **self.calibrated.changes(self.__dict__, setting))

    def open_block(self, state: SamplerState, block: Tensor) -> SamplerState:
        """The state before the first step of `block` [B] int64."""
        state = replace(
            state,
            block=block,
            eligible=state.editable & (self.block_of(state) == block[:, None]),
            earlier_steps=state.steps_taken,
            step=torch.zeros_like(state.step),
        )
        state = replace(state, noise_level=self.full_plan.first_level(state))
        vocabulary = self.denoiser.vocabulary
        carry = {name: value for rule in self.rules for name, value in rule.init_carry(state, vocabulary).items()}
        return replace(state, carry=carry)

    def next_block(self, state: SamplerState) -> SamplerState:
        """Rows that are done with a block go on with the next one that has something to write, if there is one."""
        if self.block_length is None:
            return state
        block, length = self.block_of(state), state.tokens.shape[1]
        later = state.editable & (block > state.block[:, None])
        done = ~state.running & (state.halt_reason != HaltReason.FAULT)
        complete = end_of_text(state, self.end_tokens).any(1)
        if self.halting.ends_answer:
            complete |= state.halt_reason == HaltReason.RULE
        going = (later.any(1) & done & ~complete).nonzero()[:, 0]
        if not len(going):
            return state
        rows, onto = state.take(going), block.masked_fill(~later, length)[going].amin(1)
        rows = replace(rows, halt_reason=torch.full_like(onto, HaltReason.RUNNING))
        return state.put(going, self.open_block(rows, onto))

    def block_of(self, state: SamplerState) -> Tensor:
        """[B, L] int64, the block each position belongs to; negative before the first editable one."""
        length = state.tokens.shape[1]
        first = state.editable.long().argmax(1, keepdim=True)
        return (torch.arange(length, device=first.device) - first).div(
            self.block_length or length, rounding_mode="floor"
        )

    def step_limit(self, length: int) -> int:
        """How many steps a block of a sequence of this length may take by default."""
        return self.full_plan.horizon(min(length, self.block_length or length))

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
        trace: bool = False,
    ) -> SampleResult:
        """Answers every query `n` times.

        Args:
            queries: N queries; their answers come back in this order, the variations of a query together, and on the
                device of the queries, while the denoiser computes on its own.
            n: variations a query, each equal to what a call for it alone would give.
            seed: keys all randomness together with query id and variation.
            slots: sequences forwarded at once. It changes the speed, never an answer.
            max_steps: the step limit, of each block where there are blocks; by default the plan's own horizon.
            observers: called after every step.
            loop: `continuous` (halted rows leave, waiting queries take their slots) or `frozen` (they stay to the end).
            trace: record in memory what happens to every token, for `SampleResult.explain`.

        Warns:
            UserWarning: a rule that may revise revised nothing, in any answer: its threshold is out of reach, or the
                statistics it goes by are not defined for current tokens.

        Raises:
            ValueError: no `Queries`, numbers that are not whole, or n, slots or max_steps below 1.
            Exception: whatever the denoiser raises, where it raises for every row. Where it raises for some, these end
                with `HaltReason.FAULT`, are warned of and listed in `SampleResult.faults`.
        """
        checks.check_call(queries, n=n, seed=seed, slots=slots, max_steps=max_steps)
        own = queries.to(device_of(self.denoiser, queries.ids.device))
        steps = loop(self, own, n, seed, slots, max_steps or self.step_limit(queries.tokens.shape[1]))
        if not trace:
            return self._answered(own, n, steps, observers).to(queries.ids.device)
        from adaptive_diffusion.sampling.memory_trace import MemoryTrace  # it needs pyarrow, which the rest does not

        with MemoryTrace(queries, self.halting) as memory:
            result = self._answered(own, n, steps, [*observers, memory])
            return memory.added_to(result.to(queries.ids.device))

    def _answered(self, queries: Queries, n: int, steps: Iterable[Step], observers: Iterable[Observer]) -> SampleResult:
        """The answers that come of the steps of a loop."""
        recorder = Recorder(queries, n, self.halting)
        for step in steps:
            recorder(step)
            if recorder.all_rows_failed:
                raise recorder.errors[0]
            for observer in observers:
                observer(step)
        result = recorder.result()
        if result.faults:
            row, why = next(iter(result.faults.items()))
            count = f"{len(result.faults)} of {len(result.answers)} answers ended in a fault, the first at query "
            warnings.warn(f"{count}{int(result.query[row])}: {why}", stacklevel=4)
        if self.full_plan.revises and len(queries) and not result.revisions.any():
            revising = type(self.remasking if self.plan is None else self.plan).__name__
            warnings.warn(f"{revising} revised nothing in {len(result.answers)} answers", stacklevel=4)
        return result
