"""What scores the texts that were written: a model of the same tokens, or a published one that reads text."""

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import torch

from adaptive_diffusion.evaluation.pretrained_reference import PretrainedReference
from adaptive_diffusion.evaluation.reference_model import nll_bits
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.tasks.text.tokenizer import Tokenizer


class Scoring(ABC):
    """Scores what was written behind a prompt.

    Attributes:
        model: the reference model, whose parameters the result names.
    """

    model: torch.nn.Module

    @abstractmethod
    def bits(self, tokens: torch.Tensor, prompt: int) -> np.ndarray:
        """float64 [N], bits per byte of [N, L] tokens behind the first `prompt` of them."""


class TokenScoring(Scoring):
    """A model of the same tokens, which are bytes."""

    def __init__(self, run: Path):
        self.model = load_trained_model(run / checkpoint("reference")).model.denoiser

    def bits(self, tokens, prompt):
        return nll_bits(self.model, tokens, tokens.shape[1])[:, prompt:].double().mean(1).numpy()


class TextScoring(Scoring):
    """A published model with tokens of its own."""

    def __init__(self, name: str, gguf: str | None, tokenizer: Tokenizer):
        self.reference, self.tokenizer = PretrainedReference.from_pretrained(name, gguf), tokenizer
        self.model = self.reference.model

    def bits(self, tokens, prompt):
        return np.array([self._of(self.tokenizer.decode(row[:prompt]), row[prompt:]) for row in tokens.tolist()])

    def _of(self, before: bytes, written: list[int]) -> float:
        text = self.tokenizer.decode(written)
        (bits,) = self.reference.bits_behind(before.decode("utf-8", "ignore"), [text.decode("utf-8", "ignore")])
        return bits / max(1, len(text))


def scoring_of(run: Path, name: str | None, gguf: str | None, tokenizer: Tokenizer) -> Scoring:
    """By the published model of this name, or without one by the run's own."""
    return TokenScoring(run) if name is None else TextScoring(name, gguf, tokenizer)
