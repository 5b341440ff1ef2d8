"""What a sampler hands back."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.rules.guards import CYCLED, SPENT
from adaptive_diffusion.sampling.step import Step


@dataclass(frozen=True)
class SampleResult:
    """R = N·n rows, the variations of a query together, in the order of the queries.

    Attributes:
        query, variation: [R] int64.
        answers: [R, L] int64.
        nfe: [R] int64, every forward made for the row.
        halt_reason: [R] int64, `HaltReason` numbers.
        revisions: [R] int64, tokens taken back or replaced.
        log_probability: [R] float64, Σ log p over the answer's own tokens, p the probability each was written with.
        cycled, budget_spent: [R] bool, rows that met a revision limit: a canvas came back, a budget was used up.
        rows_forwarded: how many canvases went through the denoiser in all, halted ones that kept their seat included.
    """

    query: Tensor
    variation: Tensor
    answers: Tensor
    nfe: Tensor
    halt_reason: Tensor
    revisions: Tensor
    log_probability: Tensor
    cycled: Tensor
    budget_spent: Tensor
    rows_forwarded: int

    def why(self, row: int) -> str:
        """Why a row ended, as a sentence."""
        return HaltReason(int(self.halt_reason[row])).sentence


class Recorder:
    """Collects the answers of rows as they halt."""

    def __init__(self, queries: Queries, n: int):
        self.order, self.place = queries.ids.sort()
        self.n = n
        self.query = queries.ids.repeat_interleave(n)
        self.variation = torch.arange(n, device=self.query.device).repeat(len(queries))
        self.answers = queries.tokens.repeat_interleave(n, 0)
        self.nfe, self.revisions = torch.zeros_like(self.query), torch.zeros_like(self.query)
        self.halt_reason = torch.full_like(self.query, HaltReason.SETTLED)
        self.log_probability = torch.zeros_like(self.query, dtype=torch.float64)
        self.cycled, self.budget_spent = (torch.zeros_like(self.query, dtype=torch.bool) for _ in range(2))
        self.rows_forwarded = 0

    def __call__(self, step: Step) -> None:
        self.rows_forwarded += len(step.before.tokens)
        left = (step.before.running & ~step.after.running).nonzero()[:, 0]
        after = step.after
        at = self.place[torch.searchsorted(self.order, after.query[left])] * self.n + after.variation[left]
        self.answers[at, : after.tokens.shape[1]] = after.tokens[left]  # a bucket's canvas may be shorter
        self.nfe[at] = after.nfe[left]
        self.revisions[at] = after.revisions[left].sum(1).long()
        self.halt_reason[at] = after.halt_reason[left]
        filled = step.decision.still_open(step.before)[left]
        written = torch.where(filled, step.prediction["confidence"][left], after.commit_probability[left])
        chance = written.double().clamp(min=1e-30).log()
        self.log_probability[at] = (chance * after.editable[left]).sum(1)
        for met, name in ((self.cycled, CYCLED), (self.budget_spent, SPENT)):
            if name in after.carry:
                met[at] = after.carry[name][left]

    def result(self) -> SampleResult:
        """Everything recorded so far."""
        return SampleResult(**{item.name: getattr(self, item.name) for item in fields(SampleResult)})
