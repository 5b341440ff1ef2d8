"""Denoisers seen through a second judge; each adds a summary, and counts every forward it makes."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from adaptive_diffusion.core.corruption import Corruption, Uniform
from adaptive_diffusion.core.prediction import Evaluation
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.positions import Positions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.models.wrapper import DenoiserWrapper


class Verified(DenoiserWrapper):
    """Adds `verified` [B, L], the probability of each standing token to a judge that leaves it out (0 for noise that is
    no token). The judge is a denoiser of leave-one-out predictions; its forwards count too."""

    def __init__(self, denoiser: nn.Module, judge: nn.Module):
        super().__init__(denoiser)
        self.judge = judge

    def evaluate(self, state: SamplerState) -> Evaluation:
        evaluation, judged = super().evaluate(state), self.judge.evaluate(state)  # type: ignore[operator]
        verified = current_token_probability(self.judge.logits(judged.hidden.flatten(0, 1)), state)  # type: ignore[operator]
        return replace(
            evaluation,
            summaries={**evaluation.summaries, "verified": verified},
            forwards=evaluation.forwards + judged.forwards,
        )


class ShadowVerified(DenoiserWrapper):
    """Adds `verified` [B, L] from a view appended to the same forward: a mask for every position, which attends to all
    tokens but the one it stands for, while the tokens do not see the masks (Hong et al. 2025, WINO, arXiv 2507.18578).

    As in the paper, a token's traces in its neighbours' hidden states still reach the view. The sequence is twice as
    long and counts as two forwards.

    Raises:
        ValueError: a denoiser that is not a `TransformerDenoiser` trained under masks, with or without heads.
    """

    def __init__(self, denoiser: nn.Module):
        super().__init__(denoiser)
        trunk = denoiser.denoiser if isinstance(denoiser, DenoiserWithHeads) else denoiser
        if not isinstance(trunk, TransformerDenoiser) or trunk.corruption.kind != "absorbing":
            raise ValueError(f"a shadow view needs a TransformerDenoiser under masks, not {type(trunk).__name__}")
        self.transformer = trunk

    def evaluate(self, state: SamplerState) -> Evaluation:
        transformer, length = self.transformer, state.tokens.shape[1]
        tokens = transformer.embedded(state.tokens, state.status, state.noise_level)
        masks = state.corruption.noise(state.tokens, lambda: torch.zeros_like(state.tokens).double())
        shadows = transformer.embedded(masks, torch.full_like(state.status, 2), state.noise_level)
        same = torch.eye(length, dtype=torch.bool, device=tokens.device)
        attend = torch.cat([torch.cat([torch.ones_like(same), ~same]), torch.cat([torch.zeros_like(same), same])], 1)
        both = transformer.trunk(torch.cat([tokens, shadows], 1), Twice(transformer.positions), attend)
        hidden, view = both.split(length, 1)
        evaluation = Evaluation(hidden, forwards=2)
        if isinstance(self.denoiser, DenoiserWithHeads):
            evaluation = self.denoiser.judged(evaluation)
        verified = current_token_probability(transformer.logits(view.flatten(0, 1)), state)
        return replace(evaluation, summaries={**evaluation.summaries, "verified": verified})


class Twice(Positions):
    """The places of a sequence, twice over."""

    def __init__(self, positions: Positions):
        nn.Module.__init__(self)
        self.once = positions

    def rotate(self, x: Tensor, places: Tensor | None = None) -> Tensor:
        """[B, H, 2L, D/H]: both halves turned alike."""
        return torch.cat([self.once.rotate(half) for half in x.chunk(2, dim=2)], dim=2)

    def bias(self, layer: int, length: int) -> Tensor | None:
        """[H, 2L, 2L]: a shadow is related to others as its token is."""
        once = self.once.bias(layer, length // 2)
        return None if once is None else once.repeat(1, 2, 2)


class Planned(DenoiserWrapper):
    """A mask denoiser behind a planner of uniform noise: the planner's logits of P(corrupted) are the summary `planner`
    [B, L]; each token is masked with that probability before the denoiser sees it (Liu et al. 2024, DDPD, arXiv
    2410.06264). Two forwards.

    Args:
        denoiser: trained under masks.
        planner: from a state to logits [B, L], its forward counted as one.

    Raises:
        ValueError: a denoiser trained under another noise.
    """

    def __init__(self, denoiser: nn.Module, planner: nn.Module):
        super().__init__(denoiser)
        if self.denoiser.corruption.kind != "absorbing":  # type: ignore[union-attr]
            raise ValueError("a planner goes with a denoiser trained under masks; this one is under uniform noise")
        self.planner = planner

    @classmethod
    def by_quality(cls, denoiser: DenoiserWithHeads) -> "Planned":
        """The denoiser's own quality head as planner, trained on full sequences (`configs/remasking/planner.yaml`)."""
        return cls(denoiser, QualityPlanner(denoiser))

    @property
    def corruption(self) -> Corruption:
        """Uniform noise on the denoiser's schedule: the sequences hold tokens, never masks."""
        return Uniform(self.vocabulary, self.denoiser.corruption.schedule)  # type: ignore[union-attr]

    def evaluate(self, state: SamplerState) -> Evaluation:
        logit = self.planner(state)
        uniform = state.noise.everywhere("planner mask", state.tokens.shape[1])
        ahead = state.editable & ~state.eligible & ~state.committed  # noise for certain: its block has not begun
        hide = (state.eligible & (uniform < logit.double().sigmoid())) | ahead
        masks: Corruption = self.denoiser.corruption  # type: ignore[assignment]
        tokens = torch.where(hide, masks.noise(state.tokens, lambda: uniform), state.tokens)
        share = hide.sum(1).double() / state.editable.sum(1).clamp(min=1)
        seen = replace(
            state,
            corruption=masks,
            tokens=tokens,
            committed=state.editable & ~hide,
            noise_level=masks.schedule.inverse(1 - share),
        )
        evaluation = self.denoiser.evaluate(seen)  # type: ignore[operator]
        return replace(
            evaluation, summaries={**evaluation.summaries, "planner": logit}, forwards=evaluation.forwards + 1
        )


class NoisePlanner(nn.Module):
    """A planner from a model of uniform noise and its quality head: P(corrupted) is 1 − P(the token is no noise).

    Raises:
        ValueError: a model without a quality head.
    """

    def __init__(self, model: DenoiserWithHeads):
        super().__init__()
        if model.quality is None:
            raise ValueError("a planner judges by the quality head, but this model has none; add model.quality")
        self.model = model

    def forward(self, state: SamplerState) -> Tensor:
        """[B, L] logits of P(corrupted)."""
        assert self.model.quality is not None
        return -self.model.quality(self.model.denoiser.evaluate(state).hidden)  # type: ignore[operator]


class QualityPlanner(NoisePlanner):
    """The same from a mask denoiser, which looks at the sequence as it stands, all of it committed."""

    def forward(self, state: SamplerState) -> Tensor:
        """[B, L] logits of P(corrupted)."""
        whole = replace(state, committed=state.editable, noise_level=torch.zeros_like(state.noise_level))
        return super().forward(whole)


def current_token_probability(logits: Tensor, state: SamplerState) -> Tensor:
    """[B, L]: the probability of the token that stands, from logits [B·L, K]; 0 where it is no clean token."""
    known = state.tokens < logits.shape[-1]
    standing = state.tokens.where(known, 0).flatten()[:, None]
    probability = logits.log_softmax(-1).gather(-1, standing).exp().view(state.tokens.shape)
    return probability.where(known, 0.0)
