"""Halting by a head of its own, which predicts how many tokens of the answer are wrong."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import HaltDecision
from adaptive_diffusion.models.head import Head


class ErrorCount(Head):
    """log of the expected number of wrong tokens [B] if the row stopped now, from the mean hidden state."""

    def __init__(self, width: int):
        super().__init__()
        self.map = nn.Sequential(nn.Linear(width, 32), nn.SiLU(), nn.Linear(32, 1))

    def forward(self, hidden: Tensor, editable: Tensor) -> Tensor:
        mean = (hidden.float() * editable[..., None]).sum(1) / editable.sum(1, keepdim=True).clamp(min=1)
        return self.map(mean)[:, 0]

    def loss(self, inputs) -> Tensor | None:
        """The number of wrong tokens as a Poisson variable."""
        if inputs.outcome is None:  # states that no sampler drives have no answer yet
            return None
        wrong = ((inputs.outcome.answer != inputs.clean) & inputs.state.editable).sum(1).float()
        return F.poisson_nll_loss(self(inputs.hidden, inputs.state.editable), wrong)


@dataclass(frozen=True)
class FewErrors(Halting):
    """Stop when at most `most` wrong tokens are expected."""

    most: float = 0.1
    head: Any = None  # a sampler puts the model's head `errors` here
    needs_head = "errors"
    reason = "few_errors"
    sentence = "hardly any token of the answer is expected to be wrong"
    explanation = "{errors:.2f} wrong tokens are expected; it stops at {most:.2f}"

    def __call__(self, state, prediction, decision) -> HaltDecision:
        errors = self.head(prediction.evaluation.hidden, state.editable).exp()
        return HaltDecision(errors <= self.most, seen={"errors": errors, "most": torch.full_like(errors, self.most)})
