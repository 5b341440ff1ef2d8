"""Corruptions: how a clean sequence becomes noise, masked (absorbing) or uniform."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from adaptive_diffusion.core.schedule import Linear, NoiseSchedule


class Corruption(ABC):
    """q(x_t | x_0): a token survives with probability α(t), otherwise it is noise.

    Attributes:
        kind: `"absorbing"` or `"uniform"`; a rule states which kinds it serves.
        schedule: the noise schedule α.
    """

    kind: str
    schedule: NoiseSchedule

    @abstractmethod
    def noise(self, like: Tensor, uniforms: Callable[[], Tensor]) -> Tensor:
        """Pure noise tokens in the shape of `like` (int64); `uniforms()` gives float64 of that shape, if needed."""

    def corrupt(
        self, clean: Tensor, editable: Tensor, t: Tensor, uniforms: Tensor, draws: Callable[[], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """x_t [B, L] and which positions were noised [B, L], for clean [B, L], editable [B, L] and noise level t [B].

        `uniforms` [B, L] decides which tokens survive, `draws()` what noise stands in their place (both float64).
        """
        noised = editable & (uniforms >= self.schedule.alpha(t.double())[:, None])
        return torch.where(noised, self.noise(clean, draws), clean), noised


@dataclass(frozen=True)
class Absorbing(Corruption):
    """Masked diffusion: noise is the mask token (Austin et al. 2021, arXiv 2107.03006; Sahoo et al. 2024, arXiv
    2406.07524)."""

    mask_id: int
    schedule: NoiseSchedule = field(default_factory=Linear)
    kind = "absorbing"

    def noise(self, like: Tensor, uniforms: Callable[[], Tensor]) -> Tensor:
        return torch.full_like(like, self.mask_id)


@dataclass(frozen=True)
class Uniform(Corruption):
    """Uniform diffusion: noise is a token drawn from all `vocabulary` clean tokens (Austin et al. 2021, arXiv
    2107.03006; Schiff et al. 2024, arXiv 2412.10193)."""

    vocabulary: int
    schedule: NoiseSchedule = field(default_factory=Linear)
    kind = "uniform"

    def noise(self, like: Tensor, uniforms: Callable[[], Tensor]) -> Tensor:
        return (uniforms() * self.vocabulary).long().clamp(max=self.vocabulary - 1)
