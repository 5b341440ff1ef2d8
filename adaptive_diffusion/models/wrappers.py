"""Denoisers seen through a second judge; each adds a summary, and counts every forward it makes."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from adaptive_diffusion.core.corruption import Corruption, Uniform
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.positions import Positions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.models.wrapper import DenoiserWrapper


class ShadowVerified(DenoiserWrapper):
    """Adds `verified` [B, L] from a view appended to the same forward: a mask for every position, which attends to all
    tokens but the one it stands for, while the tokens do not see the masks (Hong et al. 2025, WINO, arXiv 2507.18578).

    As in the paper, a token's traces in its neighbours' hidden states still reach the view. The sequence is twice as
    long and counts as two forwards.

    Args:
        denoiser: a `TransformerDenoiser` trained under masks, with its heads.

    Raises:
        ValueError: a denoiser trained under another noise.
    """

    def __init__(self, denoiser: DenoiserWithHeads):
        super().__init__(denoiser)
        if denoiser.corruption.kind != "absorbing":
            raise ValueError("a shadow view needs a denoiser trained under masks; this one is under uniform noise")
        self.transformer: TransformerDenoiser = denoiser.denoiser

    def evaluate(self, state: SamplerState) -> Evaluation:
        transformer, length = self.transformer, state.tokens.shape[1]
        tokens = transformer.embedded(state.tokens, state.status, state.noise_level)
        masks = state.corruption.noise(state.tokens, lambda: torch.zeros_like(state.tokens).double())
        shadows = transformer.embedded(masks, torch.full_like(state.status, 2), state.noise_level)
        same = torch.eye(length, dtype=torch.bool, device=tokens.device)
        attend = torch.cat([torch.cat([torch.ones_like(same), ~same]), torch.cat([torch.zeros_like(same), same])], 1)
        both = transformer.trunk(torch.cat([tokens, shadows], 1), Twice(transformer.positions), attend)
        hidden, view = both.split(length, 1)
        evaluation = self.denoiser.with_summaries(Evaluation(hidden, forwards=2))
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
        if self.denoiser.corruption.kind != "absorbing":
            raise ValueError("a planner goes with a denoiser trained under masks; this one is under uniform noise")
        self.planner = planner

    @property
    def time_invariant(self) -> bool:
        """Never: what is hidden from the denoiser is drawn anew in every step."""
        return False

    @property
    def corruption(self) -> Corruption:
        """Uniform noise on the denoiser's schedule: the sequences hold tokens, never masks."""
        return Uniform(self.vocabulary, self.denoiser.corruption.schedule)

    def evaluate(self, state: SamplerState) -> Evaluation:
        logit = self.planner(state)
        uniform = state.noise.everywhere("planner mask", state.tokens.shape[1])
        ahead = state.editable & ~state.eligible & ~state.committed  # noise for certain: its block has not begun
        hide = (state.eligible & (uniform < logit.double().sigmoid())) | ahead
        masks: Corruption = self.denoiser.corruption
        tokens = torch.where(hide, masks.noise(state.tokens, lambda: uniform), state.tokens)
        share = hide.sum(1).double() / state.editable.sum(1).clamp(min=1)
        seen = replace(
            state,
            corruption=masks,
            tokens=tokens,
            committed=state.editable & ~hide,
            noise_level=masks.schedule.inverse(1 - share),
        )
        evaluation = self.denoiser.evaluate(seen)
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
        model.head("quality")  # raises where it is missing
        self.model = model

    def forward(self, state: SamplerState) -> Tensor:
        """[B, L] logits of P(corrupted)."""
        return -self.model.head("quality")(self.model.denoiser.evaluate(state).hidden)


def current_token_probability(logits: Tensor, state: SamplerState) -> Tensor:
    """[B, L]: the probability of the token that stands, from logits [B·L, K]; 0 where it is no clean token."""
    known = state.tokens < logits.shape[-1]
    standing = state.tokens.where(known, 0).flatten()[:, None]
    probability = logits.log_softmax(-1).gather(-1, standing).exp().view(state.tokens.shape)
    return probability.where(known, 0.0)
