"""Corruptions: how a clean sequence becomes noise, masked (absorbing) or uniform."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from adaptive_diffusion.core.schedule import Diluted, Linear, NoiseSchedule


class Corruption(ABC):
    """q(x_t | x_0): a token survives with probability α(t), otherwise it is noise.

    Attributes:
        kind: `"absorbing"` or `"uniform"`; a rule states which kinds it serves.
        schedule: the noise schedule α.
        time_invariant: whether the tokens of x_t alone, without t, determine the posterior of x_0.
    """

    kind: str
    schedule: NoiseSchedule
    time_invariant: ClassVar[bool] = False

    def marginal(self, clean: Tensor, t: Tensor) -> Tensor:
        """q(x_t | x_0) [..., V] = α·p + (1 − α)·π over all tokens that may stand, for probabilities `clean` [..., K] of
        the clean token and t of the leading shape (or broadcasting to it)."""
        alpha = self.schedule.alpha(t.double())[..., None]
        scattered = self.mixing(t, clean.shape[-1])
        padded = torch.nn.functional.pad(clean.double(), (0, scattered.shape[-1] - clean.shape[-1]))
        return alpha * padded + (1 - alpha) * scattered

    @abstractmethod
    def mixing(self, t: Tensor, vocabulary: int) -> Tensor:
        """π(t) [..., V] float64, the distribution of noise at level t [...]."""

    @abstractmethod
    def arrival(self, t: Tensor, token: Tensor, vocabulary: int) -> Tensor:
        """[...] float64, the rate at which the noise process jumps to a token from any other at level t, both [...]:
        d/dt of the noise's mass (1 − α)π, plus what its decay −(α'/α)(1 − α)π loses."""

    @abstractmethod
    def evidence(self, tokens: Tensor, t: Tensor, clean: Tensor, vocabulary: int) -> Tensor:
        """[B, L, S] float64, q(x_t = `tokens` [B, L] | x_0 = `clean` [L, S]) at levels t [B], up to a factor that does
        not depend on the clean token."""

    def noise_tokens(self, vocabulary: int) -> int:
        """How many tokens, from token 0 on, a uniformly drawn one is drawn from, where a denoiser has logits for
        `vocabulary` tokens."""
        return vocabulary

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


class Masked(Corruption):
    """Corruptions whose pure noise is the mask token; samplers for masks serve them.

    Attributes:
        mask_id: the mask token, K where the clean tokens are 0 … K − 1.
    """

    mask_id: int
    kind = "absorbing"

    def noise(self, like: Tensor, uniforms: Callable[[], Tensor]) -> Tensor:
        return torch.full_like(like, self.mask_id)

    def all_masks(self, t: Tensor, vocabulary: int) -> Tensor:
        """[..., V] float64, the distribution that has all its mass at the mask, for t [...]."""
        mask = torch.tensor(self.mask_id, device=t.device)
        return torch.nn.functional.one_hot(mask, max(vocabulary, self.mask_id + 1)).double().expand(*t.shape, -1)


@dataclass(frozen=True)
class Absorbing(Masked):
    """Masked diffusion: noise is the mask token (Austin et al. 2021, arXiv 2107.03006; Sahoo et al. 2024, arXiv
    2406.07524)."""

    mask_id: int
    schedule: NoiseSchedule = field(default_factory=Linear)
    time_invariant = True

    def mixing(self, t: Tensor, vocabulary: int) -> Tensor:
        return self.all_masks(t, vocabulary)

    def arrival(self, t: Tensor, token: Tensor, vocabulary: int) -> Tensor:
        alpha, slope = self.schedule.alpha(t.double()), self.schedule.derivative(t.double())
        return (-slope / alpha).where(token == self.mask_id, 0.0)

    def evidence(self, tokens: Tensor, t: Tensor, clean: Tensor, vocabulary: int) -> Tensor:
        return ((tokens[:, :, None] == clean) | (tokens == self.mask_id)[:, :, None]).double()


@dataclass(frozen=True)
class Uniform(Corruption):
    """Uniform diffusion: noise is a token drawn from all `vocabulary` clean tokens (Austin et al. 2021, arXiv
    2107.03006; Schiff et al. 2024, arXiv 2412.10193)."""

    vocabulary: int
    schedule: NoiseSchedule = field(default_factory=Linear)
    kind = "uniform"

    def noise(self, like: Tensor, uniforms: Callable[[], Tensor]) -> Tensor:
        return (uniforms() * self.vocabulary).long().clamp(max=self.vocabulary - 1)

    def noise_tokens(self, vocabulary: int) -> int:
        return self.vocabulary  # a denoiser may have a logit for padding too, which is never noise

    def mixing(self, t: Tensor, vocabulary: int) -> Tensor:
        noise = t.new_full((*t.shape, self.vocabulary), 1 / self.vocabulary, dtype=torch.float64)
        return torch.nn.functional.pad(noise, (0, vocabulary - self.vocabulary))

    def arrival(self, t: Tensor, token: Tensor, vocabulary: int) -> Tensor:
        alpha, slope = self.schedule.alpha(t.double()), self.schedule.derivative(t.double())
        rate = -slope / alpha / self.vocabulary * torch.ones_like(token, dtype=torch.float64)
        return rate.where(token < self.vocabulary, 0.0)

    def evidence(self, tokens: Tensor, t: Tensor, clean: Tensor, vocabulary: int) -> Tensor:
        alpha = self.schedule.alpha(t.double())[:, None, None]
        noise = (1 - alpha) / self.vocabulary * (tokens < self.vocabulary)[:, :, None]
        return alpha * (tokens[:, :, None] == clean) + noise


@dataclass(frozen=True)
class MaskUniform(Masked):
    """Masks with some uniform noise among them, so that a denoiser also learns to see wrong tokens (von Rütte et al.
    2025, GIDD, arXiv 2503.04482): of 1 + c(t), 1 − t survive, t are masked and c(t) = B·√(t(1 − t)) are drawn from the
    K clean tokens, B = 2p/(1 − p), so that at t = ½ a share p is uniform noise.

    Raises:
        ValueError: a share outside [0, 1).
    """

    mask_id: int
    schedule: Diluted = field(init=False)
    uniform: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.uniform < 1:
            raise ValueError(f"uniform={self.uniform} must be a share of at least 0 and below 1")
        object.__setattr__(self, "schedule", Diluted(2 * self.uniform / (1 - self.uniform)))

    def corrupt(
        self, clean: Tensor, editable: Tensor, t: Tensor, uniforms: Tensor, draws: Callable[[], Tensor]
    ) -> tuple[Tensor, Tensor]:
        tokens, noised = super().corrupt(clean, editable, t, uniforms, draws)
        masked = 1 - self._uniform_share(t)[:, None]
        drawn = (draws() * self.mask_id).long().clamp(max=self.mask_id - 1)
        return torch.where(noised & (uniforms >= masked), drawn, tokens), noised

    def _uniform_share(self, t: Tensor) -> Tensor:
        """c/(1 + c): the share of all positions that hold a uniformly drawn token."""
        c = self.schedule.dilution(t.double())
        return c / (1 + c)

    def mixing(self, t: Tensor, vocabulary: int) -> Tensor:
        noise = (1 - self.schedule.alpha(t.double())).clamp(min=1e-300)
        share = (self._uniform_share(t) / noise).nan_to_num()[..., None]
        masks = self.all_masks(t, vocabulary)
        return (1 - share) * masks + share * (1 - masks) / vocabulary

    def arrival(self, t: Tensor, token: Tensor, vocabulary: int) -> Tensor:
        # With C = 1 + c and N(t) a token's mass before division by C, the rate is (N' + N/(1 − t))/C: N = t for the
        # mask, N = c/K for each clean token, where B√(t(1 − t)) makes the bracket B/(2√(t(1 − t))).
        t = t.double()
        total = 1 + self.schedule.dilution(t)
        to_mask = 1 / (1 - t) / total
        to_each = self.schedule.most / (2 * (t * (1 - t)).sqrt()) / total / vocabulary
        return torch.where(token == self.mask_id, to_mask, to_each)

    def evidence(self, tokens: Tensor, t: Tensor, clean: Tensor, vocabulary: int) -> Tensor:
        alpha, drawn = self.schedule.alpha(t.double()), self._uniform_share(t)
        each = alpha[:, None, None] * (tokens[:, :, None] == clean) + (drawn / vocabulary)[:, None, None]
        return each.masked_fill((tokens == self.mask_id)[:, :, None], 1.0)
