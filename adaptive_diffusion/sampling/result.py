"""What a sampler hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from adaptive_diffusion.core.answer import log_probability
from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import HALT_SENTENCES, HaltReason
from adaptive_diffusion.rules.revision_limits import CYCLED, SPENT
from adaptive_diffusion.sampling.rewrites import RewriteCount
from adaptive_diffusion.sampling.step import Step

if TYPE_CHECKING:
    from adaptive_diffusion.core.trace import Trace

FRAMEWORK_REASONS = {int(reason): (reason.name.lower(), sentence) for reason, sentence in HALT_SENTENCES.items()}
"""Names and sentences of the halt reasons that are not the halting rule's."""


@dataclass(frozen=True)
class SampleResult:
    """R = N·n rows, the variations of a query together, in the order of the queries.

    Attributes:
        query, variation: [R] int64.
        answers: [R, L] int64.
        nfe: [R] int64, every forward computed for the row.
        steps: [R] int64, its steps; more than forwards where a sequence that did not change was not computed again.
        token_forwards: [R] int64, positions computed for the row, summed over its forwards.
        halt_reason: [R] int64, `HaltReason` numbers; `reasons` names them.
        revisions: [R] int64, tokens taken back or replaced.
        rewrites: [R] int64, how often a position was given the very token that had been taken back there.
        log_probability: [R] float64, Σ log p over the answer's own tokens, p the probability each was written with; −∞
            after a fault.
        faults: row → why it ended in a fault, for the rows that did; what stands open in their answers is `OPEN`.
        cycled, budget_spent: [R] bool, rows that met a revision limit: a sequence came back, a budget was used up.
        rows_forwarded: sequences that went through the denoiser in all, halted ones that still held a slot included.
        reasons: number of a halt reason → its name and its sentence.
        trace: what happened to every token, where `Sampler.sample(…, trace=True)` recorded it.
    """

    query: Tensor
    variation: Tensor
    answers: Tensor
    nfe: Tensor
    steps: Tensor
    token_forwards: Tensor
    halt_reason: Tensor
    revisions: Tensor
    rewrites: Tensor
    log_probability: Tensor
    cycled: Tensor
    budget_spent: Tensor
    rows_forwarded: int
    faults: Mapping[int, str] = field(default_factory=dict)
    reasons: Mapping[int, tuple[str, str]] = field(default_factory=lambda: FRAMEWORK_REASONS)
    trace: Trace | None = None

    def to(self, device: torch.device) -> SampleResult:
        """The answers on a device."""
        columns = {item.name: self.__dict__[item.name] for item in fields(self)}
        return replace(self, **{name: col.to(device) for name, col in columns.items() if isinstance(col, Tensor)})

    def reason(self, row: int) -> str:
        """Why a row ended, as the name that traces hold.

        Raises:
            ValueError: a row that the result does not have.
        """
        self._check(row)
        return self.reasons[int(self.halt_reason[row])][0]

    def why(self, row: int) -> str:
        """Why a row ended, as a sentence.

        Raises:
            ValueError: a row that the result does not have.
        """
        self._check(row)
        sentence = self.reasons[int(self.halt_reason[row])][1]
        return f"{sentence}: {self.faults[row]}" if row in self.faults else sentence

    def _check(self, row: int) -> None:
        rows = len(self.halt_reason)
        if not -rows <= row < rows:
            there = f"its rows are 0 to {rows - 1}" if rows else "it is empty"
            raise ValueError(f"the result has no row {row}; {there}")

    def explain(self, query: int, variation: int = 0) -> str:
        """Why a query took the steps it took: what was committed, remasked and replaced, the numbers that the halting
        rule used, and why it went on or stopped, step by step, with the sequence drawn (`core.explanation.explain`).

        Args:
            query: its id; `read_queries` numbers from 0.
            variation: which of its answers.

        Raises:
            ValueError: a result without a trace, or a query that is not in it.
        """
        from adaptive_diffusion.core.explanation import explain

        if self.trace is None:
            raise ValueError("nothing was recorded; sample with trace=True")
        return explain(self.trace, query, variation)


GIVE_UP = 32
"""Rows that must raise (or all that there are) before a run is given up."""


class Recorder:
    """Collects the answers of rows as they halt."""

    def __init__(self, queries: Queries, n: int, halting: Halting):
        self.order, self.place = queries.ids.sort()
        self.n = n
        self.query = queries.ids.repeat_interleave(n)
        self.variation = torch.arange(n, device=self.query.device).repeat(len(queries))
        self.answers = queries.tokens.repeat_interleave(n, 0)
        self.reasons = {**FRAMEWORK_REASONS, int(HaltReason.RULE): (halting.reason, halting.sentence)}
        self.nfe, self.steps, self.token_forwards, self.revisions = (torch.zeros_like(self.query) for _ in range(4))
        self.halt_reason = torch.full_like(self.query, HaltReason.ALL_COMMITTED)
        self.log_probability = torch.zeros_like(self.query, dtype=torch.float64)
        self.cycled, self.budget_spent = (torch.zeros_like(self.query, dtype=torch.bool) for _ in range(2))
        self.rewriting = RewriteCount(len(self.query), self.answers.shape[1], self.query.device)
        self.rows_forwarded = 0
        self.faults: dict[int, str] = {}
        self.errors: list[Exception] = []

    @property
    def all_rows_failed(self) -> bool:
        """Whether every row that was tried has raised, and there were enough of them that it is no row's fault."""
        return self.rows_forwarded == len(self.errors) >= min(len(self.query), GIVE_UP)

    def __call__(self, step: Step) -> None:
        forwards = torch.as_tensor(step.prediction.evaluation.forwards)
        self.rows_forwarded += int((forwards > 0).expand(len(step.before.tokens)).sum())
        left = (step.before.running & ~step.after.running).nonzero()[:, 0]
        after = step.after
        row = self.place[torch.searchsorted(self.order, after.query)] * self.n + after.variation
        self.rewriting(row, step.before, after)
        at = row[left]
        stands = after.tokens.masked_fill(after.editable & ~after.committed, OPEN)
        self.answers[at, : after.tokens.shape[1]] = stands[left]  # a bucket's sequence may be shorter
        self.nfe[at], self.steps[at] = after.nfe[left], after.steps_taken[left]
        self.token_forwards[at] = after.token_forwards[left]
        self.revisions[at] = after.revisions[left].sum(1).long()
        self.halt_reason[at] = after.halt_reason[left]
        self.log_probability[at] = log_probability(after.commit_probability[left], after.editable[left])
        for index in (after.halt_reason[left] == HaltReason.FAULT).nonzero()[:, 0].tolist():
            self._note(int(at[index]), step.errors.get(int(left[index])))
        for met, name in ((self.cycled, CYCLED), (self.budget_spent, SPENT)):
            if name in after.carry:
                met[at] = after.carry[name][left]

    def _note(self, row: int, error: Exception | None) -> None:
        self.log_probability[row] = -torch.inf
        self.faults[row] = "its prediction is not a number" if error is None else str(error) or type(error).__name__
        self.errors += [] if error is None else [error]

    def result(self) -> SampleResult:
        """Everything recorded so far."""
        found = {**vars(self), "rewrites": self.rewriting.count, "trace": None}
        return SampleResult(**{item.name: found[item.name] for item in fields(SampleResult)})
