"""Bits per byte: the interval comes from different windows, not from measuring the same ones again."""

import numpy as np
import torch

from adaptive_diffusion.models.autoregressive import AutoregressiveTransformer
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.positions import RotaryPositions
from adaptive_diffusion.objectives.denoising import Denoising
from adaptive_diffusion.runs.stages.likelihood import BATCHES, BitsPerByte
from adaptive_diffusion.tasks.text.packing import Windows
from adaptive_diffusion.training.clean_sequences import CleanSequences

LENGTH = 16


class Text:
    """What the stage asks of the data."""

    def bytes_of(self, windows):
        return windows.tokens.size


def test_further_passes_of_an_exact_model_change_nothing():
    torch.manual_seed(0)
    model = AutoregressiveTransformer(257, RotaryPositions.line(LENGTH), width=16, depth=1, heads=2)
    model = DenoiserWithHeads(model).eval()
    tokens = np.random.default_rng(0).integers(0, 256, (64, LENGTH))
    windows = Windows(tokens, np.zeros(tokens.shape, bool))
    measured = [
        BitsPerByte({}, {}, passes=passes)._measured(model, [(CleanSequences(8), Denoising())], Text(), windows)
        for passes in (1, 4)
    ]
    for nats, sizes in measured:
        assert len(nats) == len(sizes) == BATCHES
        assert sizes.sum() == tokens.size
    np.testing.assert_allclose(measured[0][0], measured[1][0], rtol=1e-6)
