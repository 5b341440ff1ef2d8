"""Halting heads on a fixed observation of each step, so that what they learn from can be recorded once."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from adaptive_diffusion.core.step_summaries import CHANGES, SUMMARIES
from adaptive_diffusion.models.head import Head
from adaptive_diffusion.models.rowwise import rowwise

ANSWER = 4
"""The step summary that holds the probability of the answer's token."""


def observe(hidden: Tensor, summaries: Tensor, editable: Tensor, positions: int = 0) -> Tensor:
    """[B, F] float32, a row's step as a vector, from hidden [B, L, D], summaries [B, L, S], editable [B, L].

    Over the editable positions: least, largest and mean summaries, the log-likelihood of the answer (at least −30),
    then hidden states: their mean, their largest, and the one at the position whose answer is least sure; 3S + 1 + 3D
    numbers. Then `positions` of them singly, those whose answer is least sure first: 1, summaries and hidden state of
    each, or 1 + S + D zeros where there are fewer.
    """
    seen = editable[..., None]
    count = seen.sum(1).clamp(min=1)
    sure = summaries[..., ANSWER].masked_fill(~editable, torch.inf)
    weakest = sure.argmin(1)[:, None, None].expand(-1, 1, hidden.shape[-1])
    likelihood = rowwise(lambda chance: chance.log().sum(-1, keepdim=True), sure.clamp(1e-9, 1)).clamp(min=-30)
    hidden = hidden.float()
    pooled = torch.cat(
        [
            summaries.masked_fill(~seen, torch.inf).amin(1),
            summaries.masked_fill(~seen, -torch.inf).amax(1),
            (summaries * seen).sum(1) / count,
            likelihood,
            (hidden * seen).sum(1) / count,
            hidden.masked_fill(~seen, -torch.inf).amax(1),
            hidden.gather(1, weakest)[:, 0],
        ],
        dim=1,
    )
    if not positions:
        return pooled
    singly = torch.cat([seen.float(), summaries * seen, hidden * seen], dim=-1)
    order = sure.argsort(dim=1, stable=True)[:, :positions, None].expand(-1, -1, singly.shape[-1])
    singly = singly.gather(1, order)
    missing = positions - singly.shape[1]
    return torch.cat([pooled, nn.functional.pad(singly, (0, 0, 0, missing)).flatten(1)], dim=1)


def observed_inputs(inputs: Sequence[str], width: int, summaries: int, changes: int) -> Tensor:
    """[3(S + C) + 1 + 3D], 1 where a number of the pooled observation belongs to one of the inputs, else 0.

    Args:
        inputs: of "summaries", "change" (the summaries that compare the step with the one before it) and "hidden".
        width, summaries, changes: D, S and C.

    Raises:
        ValueError: inputs that are not among these.
    """
    names = ("summaries", "change", "hidden")
    if not inputs or set(inputs) - set(names):
        raise ValueError(f"inputs={list(inputs)}: a halting head looks at some of {', '.join(names)}")
    each, change, hidden = (float(name in inputs) for name in names)
    return torch.tensor(3 * (summaries * [each] + changes * [change]) + [each] + 3 * width * [hidden])


def standardisation(observation: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and one over the deviation of recorded numbers [N, F], 0 for what never varies."""
    deviation, mean = torch.std_mean(observation.float(), dim=0)
    return mean, torch.where(deviation > 1e-6, 1 / deviation.clamp(min=1e-6), 0.0)


def stopping_map(size: int, inner: int, outputs: int, init_bias: float) -> nn.Sequential:
    """MLP with two hidden layers of width `inner`, from `size` numbers to `outputs`. The outputs start at 0, the
    first of them at `init_bias`."""
    last = nn.Linear(inner, outputs)
    nn.init.zeros_(last.weight)
    with torch.no_grad():
        last.bias[0] = init_bias
    return nn.Sequential(nn.Linear(size, inner), nn.SiLU(), nn.Linear(inner, inner), nn.SiLU(), last)


class ObservationHead(Head):
    """A halting head that predicts `outputs` numbers from an observation of the step, which can be recorded.

    Attributes:
        outputs: how many numbers; that of the objective it is trained for.
        positions: how many positions the observation must have singly.
    """

    outputs: int
    positions: int = 0

    @abstractmethod
    def fit_scale(self, observation: Tensor) -> None:
        """Standardises by recorded observations [N, F]."""

    @abstractmethod
    def predict(self, observation: Tensor) -> Tensor:
        """[...] for one output and [..., outputs] for more, from recorded observations [..., F]. What an observation
        has beyond the numbers that the head looks at is passed over."""

    def forward(self, hidden: Tensor, summaries: Tensor, editable: Tensor) -> Tensor:
        """Its prediction for a step: hidden [B, L, D], summaries [B, L, S], editable [B, L]."""
        return self.predict(observe(hidden, summaries, editable, self.positions))


class TrajectoryHaltingHead(ObservationHead):
    """MLP of two hidden layers that predicts `outputs` numbers about stopping now, [...] for one and [..., outputs] for
    more, from an observation of the step.

    Observations are standardised by `fit_scale`. The first output starts at `init_bias`, which is negative: a head that
    stops too early at the start never sees the later steps it should learn from (Wang et al. 2025, HRM, arXiv
    2506.21734).

    Args:
        width: D of the denoiser.
        outputs: how many numbers it predicts; that of the objective it is trained for.
        inputs: what it looks at, of "summaries", "change" (the summaries that compare the step with the one before it)
            and "hidden".
        summaries, changes: S is their sum, the number of step summaries; the last `changes` compare two steps.
        inner: width of the hidden layers.
        init_bias: the first output before training.

    Raises:
        ValueError: inputs that are not among these.
    """

    center: Tensor
    scale: Tensor
    seen: Tensor

    def __init__(
        self,
        width: int,
        outputs: int = 1,
        inputs: Sequence[str] = ("summaries", "hidden"),
        summaries: int = SUMMARIES - CHANGES,
        changes: int = CHANGES,
        inner: int = 64,
        init_bias: float = -3.0,
    ):
        super().__init__()
        looks = observed_inputs(inputs, width, summaries, changes)
        size = len(looks)
        self.outputs = outputs
        self.register_buffer("center", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        self.register_buffer("seen", looks, persistent=False)
        self.map = stopping_map(size, inner, outputs, init_bias)

    def fit_scale(self, observation: Tensor) -> None:
        """Standardises by the mean and deviation of recorded observations [N, F]; what never varies is left out."""
        center, scale = standardisation(observation[:, : len(self.seen)])
        self.center.copy_(center)
        self.scale.copy_(scale)

    def predict(self, observation: Tensor) -> Tensor:
        """Its prediction from recorded observations [..., F]."""
        pooled = observation[..., : len(self.seen)].float()
        output = rowwise(self.map, ((pooled - self.center) * self.scale * self.seen).clamp(-10, 10))
        return output[..., 0] if self.outputs == 1 else output
