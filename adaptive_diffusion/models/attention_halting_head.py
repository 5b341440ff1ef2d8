"""A halting head that attends to single positions of a step, those in doubt first."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from adaptive_diffusion.core.step_summaries import CHANGES, SUMMARIES
from adaptive_diffusion.models.halting_head import ObservationHead, observed_inputs, standardisation, stopping_map
from adaptive_diffusion.models.rowwise import rowwise


class AttentionHaltingHead(ObservationHead):
    """The map of `TrajectoryHaltingHead` on the pooled observation, and on an attention pooling of single positions.

    With z_i = SiLU(W[s_i; h_i]) at the `positions` positions whose answer is least sure, s_i their summaries and h_i
    their hidden states, the pooling is Σ a_i z_i, a = softmax(v·z) over those that are there (Ilse et al. 2018,
    attention-based multiple-instance learning, arXiv 1802.04712). Mean and maximum of `observe` blur where the doubt
    is; the attention is learned.

    Args:
        width, outputs, inputs, summaries, changes, inner, init_bias: as in `TrajectoryHaltingHead`.
        positions: how many positions it attends to; rollouts must be recorded with as many (`Record.positions`).
        attended: width of z.

    Raises:
        ValueError: inputs that do not exist, or fewer than one position.
    """

    center: Tensor
    scale: Tensor
    seen: Tensor

    def __init__(
        self,
        width: int,
        outputs: int = 1,
        positions: int = 16,
        inputs: Sequence[str] = ("summaries", "hidden"),
        summaries: int = SUMMARIES - CHANGES,
        changes: int = CHANGES,
        inner: int = 64,
        attended: int = 32,
        init_bias: float = -3.0,
    ):
        super().__init__()
        if positions < 1:
            raise ValueError(f"positions={positions} leaves nothing to attend to; use at least 1")
        looks = observed_inputs(inputs, width, summaries, changes)
        each, hidden = looks[: summaries + changes], looks[-width:]
        self.outputs, self.positions = outputs, positions
        self.pooled, self.single = len(looks), 1 + summaries + changes + width
        seen = torch.cat([looks, torch.zeros(1), each, hidden])
        self.register_buffer("center", torch.zeros(len(seen)))
        self.register_buffer("scale", torch.ones(len(seen)))
        self.register_buffer("seen", seen, persistent=False)
        self.each = nn.Sequential(nn.Linear(self.single, attended), nn.SiLU())
        self.weight = nn.Linear(attended, 1)
        self.map = stopping_map(self.pooled + attended, inner, outputs, init_bias)

    def fit_scale(self, observation: Tensor) -> None:
        """Standardises by the mean and deviation of recorded observations [N, F]; single positions by those of all that
        are there."""
        pooled, single = self._parts(observation)
        there = single[single[..., 0] > 0]
        center, scale = zip(standardisation(pooled), standardisation(there), strict=True)
        self.center.copy_(torch.cat(center))
        self.scale.copy_(torch.cat(scale))

    def predict(self, observation: Tensor) -> Tensor:
        """Its prediction from recorded observations [..., F].

        Raises:
            ValueError: observations with fewer single positions than the head attends to.
        """
        size = self.pooled + self.positions * self.single
        if observation.shape[-1] < size:
            there = max(0, observation.shape[-1] - self.pooled) // self.single
            raise ValueError(
                f"the head attends to {self.positions} positions, and the rollouts have {there}; record them with "
                f"positions={self.positions}"
            )
        output = rowwise(self._output, observation[..., :size].float())
        return output[..., 0] if self.outputs == 1 else output

    def attention(self, observation: Tensor) -> Tensor:
        """[..., positions]: the weight a_i of each single position, 0 where there is none."""
        return self._attended(self._parts(observation)[1])[0]

    def _parts(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """The pooled numbers [..., F] and the single positions [..., P, 1 + S + D]."""
        size = self.pooled + self.positions * self.single
        pooled, single = observation[..., :size].float().split([self.pooled, size - self.pooled], dim=-1)
        return pooled, single.unflatten(-1, (self.positions, self.single))

    def _attended(self, single: Tensor) -> tuple[Tensor, Tensor]:
        there = single[..., 0] > 0
        z = self.each(self._standardised(single, slice(self.pooled, None)))
        score = self.weight(z)[..., 0].masked_fill(~there, -torch.inf)
        score = score.masked_fill(~there.any(-1, keepdim=True), 0.0)
        return score.softmax(-1) * there, z

    def _output(self, observation: Tensor) -> Tensor:
        pooled, single = self._parts(observation)
        weight, z = self._attended(single)
        pooled = self._standardised(pooled, slice(self.pooled))
        return self.map(torch.cat([pooled, (weight[..., None] * z).sum(-2)], dim=-1))

    def _standardised(self, values: Tensor, part: slice) -> Tensor:
        return ((values - self.center[part]) * self.scale[part] * self.seen[part]).clamp(-10, 10)
