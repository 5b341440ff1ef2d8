"""Long sequences through a window: what a denoiser of short ones needs to write in blocks."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.wrapper import DenoiserWrapper

_COLUMNS = "tokens", "editable", "eligible", "committed", "commit_probability", "commit_step", "revisions"


class Sliding(DenoiserWrapper):
    """The denoiser sees `window` positions of each row, up to the end of the block that is being written; what lies
    before has been forgotten, what lies behind does not exist yet. A forward costs the same in the first block and in
    the hundredth, in time and in memory. A sequence of at most `window` positions is seen as it is, so that
    then nothing changes.

    Raises:
        ValueError: a denoiser that remembers predictions between steps, for which the window would move; a window
            below 1; at sampling, a block that is wider than the window.
    """

    def __init__(self, denoiser: nn.Module, window: int):
        super().__init__(denoiser)
        if window < 1:
            raise ValueError(f"window={window} holds no position; use at least the sampler's block_length")
        if self.memory is not None:
            raise ValueError("a sliding window does not go with self-conditioning: its memory would have to slide too")
        self.window = window

    @property
    def computes_all_blocks(self) -> bool:
        """False: what lies behind the window is not computed."""
        return False

    def evaluate(self, state: SamplerState) -> Evaluation:
        """The window's evaluation, at its place in the row; zero elsewhere."""
        length = state.tokens.shape[1]
        if length <= self.window:
            return super().evaluate(state)
        spread = torch.arange(length, device=state.tokens.device)
        end = spread.masked_fill(~state.eligible, -1).amax(1) + 1
        wide = end - spread.masked_fill(~state.eligible, length).amin(1)
        if (wide > self.window).any():
            raise ValueError(
                f"a block of {int(wide.max())} positions is wider than the window of {self.window}: give the sampler a "
                f"block_length of at most {self.window}, or Sliding a wider window"
            )
        index = (end - self.window).clamp(min=0)[:, None] + spread[: self.window]
        inside = {name: getattr(state, name).gather(1, index) for name in _COLUMNS}
        evaluation = super().evaluate(replace(state, **inside))
        return replace(
            evaluation,
            hidden=_placed(evaluation.hidden, index, length),
            summaries={name: _placed(value, index, length) for name, value in evaluation.summaries.items()},
            token_forwards=evaluation.positions_computed,
        )


def _placed(window: Tensor, index: Tensor, length: int) -> Tensor:
    """[B, L, …] from [B, W, …] at `index` [B, W]."""
    placed = window.new_zeros(len(window), length, *window.shape[2:])
    return placed.scatter(1, index.view(*index.shape, *[1] * (window.ndim - 2)).expand_as(window), window)
