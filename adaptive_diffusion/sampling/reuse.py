"""A sequence that did not change is not computed again.

A step may write nothing: an ancestral sampler often commits no token, a refused revision leaves the sequence as it was.
Where the denoiser looks at tokens and status alone, its next evaluation would be the same one, to the bit. It is then
taken from the last step and costs no forward (MDLM calls this its cache: Sahoo et al. 2024, arXiv 2406.07524). Rules
that draw or keep time still act in that step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from adaptive_diffusion.core.denoiser import Denoiser, Evaluation
from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.core.state import SamplerState

if TYPE_CHECKING:
    from adaptive_diffusion.sampling.step import Step


@dataclass(frozen=True)
class LastEvaluation(Rows):
    """The last evaluation of every slot, and `current` [B] bool: the slots that still hold the sequence it is of."""

    evaluation: Evaluation
    current: Tensor

    @staticmethod
    def of(denoiser: Denoiser, step: Step) -> LastEvaluation | None:
        """That of a step; None where no row can use it."""
        before, after = step.before, step.after
        if not denoiser.time_invariant:
            return None
        same = (before.tokens == after.tokens) & (before.status == after.status)
        current = same.all(1) & before.running & after.running
        return LastEvaluation(step.prediction.evaluation, current) if current.any() else None


def evaluate(denoiser: Denoiser, state: SamplerState, last: LastEvaluation | None) -> Evaluation:
    """An evaluation of every row with its cost per row, computed only where `last` is not current; what is not computed
    costs nothing."""
    nothing = torch.zeros_like(state.nfe)
    if last is None or not last.current.any():
        new = denoiser.evaluate(state)
        return replace(new, forwards=nothing + new.forwards, token_forwards=nothing + new.positions_computed)
    changed = (~last.current).nonzero()[:, 0]
    hidden, summaries = last.evaluation.hidden, last.evaluation.summaries
    forwards, positions = nothing.clone(), nothing.clone()
    if len(changed):
        new = denoiser.evaluate(state.take(changed))
        hidden = hidden.index_copy(0, changed, new.hidden)
        summaries = {name: value.index_copy(0, changed, new.summaries[name]) for name, value in summaries.items()}
        forwards[changed] += new.forwards
        positions[changed] += new.positions_computed
    return Evaluation(hidden, summaries, forwards, positions)
