"""How an answer is read off a sequence."""

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.state import Decision, Finish, SamplerState


def answer_now(state: SamplerState, prediction: Prediction, decision: Decision, finish: Finish) -> Tensor:
    """[B, L]: the answer of a row that stopped after this decision."""
    written = decision.tokens_after(state)
    unsure = decision.still_open(state) if finish == Finish.FILL else state.eligible
    return torch.where(unsure & prediction.read, prediction["argmax"], written)


def log_probability(commit_probability: Tensor, editable: Tensor) -> Tensor:
    """[B] float64: Σ log p over the tokens of an answer, p the probability each was written with, both [B, L]."""
    return (commit_probability.double().clamp(min=1e-30).log() * editable).sum(1)
