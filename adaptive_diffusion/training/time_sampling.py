"""How the noise levels of a training batch are drawn: the fewer of them fall together, the less the loss varies."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class TimeSampling(ABC):
    """Levels [B] in [0, 1], each uniform by itself, from float64 uniforms [B] in [0, 1)."""

    @abstractmethod
    def __call__(self, uniform: Tensor) -> Tensor: ...


class Independent(TimeSampling):
    """Each level by itself: what the others are compared with."""

    def __call__(self, uniform: Tensor) -> Tensor:
        return uniform


class LowDiscrepancy(TimeSampling):
    """Low discrepancy: t_i = (u + i/B) mod 1 of one uniform u (Kingma et al. 2021, arXiv 2107.00630; MDLM, Sahoo et al.
    2024, arXiv 2406.07524)."""

    def __call__(self, uniform: Tensor) -> Tensor:
        return (uniform[:1] + torch.arange(len(uniform), device=uniform.device) / len(uniform)) % 1


class Antithetic(TimeSampling):
    """The first half of the batch as `LowDiscrepancy`, the second half its mirror images 1 − t: what a loss gains on
    one side of the middle it loses on the other (Hammersley & Morton 1956)."""

    def __call__(self, uniform: Tensor) -> Tensor:
        half = LowDiscrepancy()(uniform[: (len(uniform) + 1) // 2])
        return torch.cat([half, 1 - half])[: len(uniform)]


class Smallest(TimeSampling):
    """The smallest level for every sequence: where a `Reconstruction` is measured."""

    def __call__(self, uniform: Tensor) -> Tensor:
        return torch.zeros_like(uniform)
