"""Denoisers with a second view of the sequence; each adds summaries and counts every forward it makes."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from adaptive_diffusion.core.corruption import Corruption, Uniform
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.draws import at_random
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.positions import Positions
from adaptive_diffusion.models.rowwise import rowwise
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.models.wrapper import DenoiserWrapper


class ShadowVerified(DenoiserWrapper):
    """Adds `verified` [B, L], the probability of the current token in a view that cannot see it: to each position
    belongs a shadow, a mask appended to the same forward. A shadow attends to all tokens but its own and to the shadows
    of its block, the tokens do not attend to shadows (Hong et al. 2025, WINO, arXiv 2507.18578).

    As in the paper, a token's traces in its neighbours' hidden states still reach the view. It is one forward of a
    sequence that is twice as long. The authors append shadows of the present block only; outside the block nothing is
    verified, so that its shadows change the cost, not the answer.

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
        attend = shadow_attention(state.eligible)[:, None]
        both = transformer.trunk(torch.cat([tokens, shadows], 1), TwicePositions(transformer.positions), attend)
        hidden, view = both.split(length, 1)
        evaluation = self.denoiser.with_summaries(Evaluation(hidden, forwards=1, token_forwards=2 * length))
        verified = current_token_probability(rowwise(transformer.logits, view.flatten(0, 1)), state)
        return replace(evaluation, summaries={**evaluation.summaries, "verified": verified})


def shadow_attention(block: Tensor) -> Tensor:
    """[B, 2L, 2L] bool, which of L tokens and their L shadows (columns) each of them (rows) attends to, for the
    positions `block` [B, L] of the present block."""
    same = torch.eye(block.shape[1], dtype=torch.bool, device=block.device).expand(len(block), -1, -1)
    together = (block[:, :, None] & block[:, None, :]) | same
    from_tokens = torch.cat([torch.ones_like(same), torch.zeros_like(same)], 2)
    return torch.cat([from_tokens, torch.cat([~same, together], 2)], 1)


class TwicePositions(Positions):
    """The positions of a sequence, twice over."""

    def __init__(self, positions: Positions):
        nn.Module.__init__(self)
        self.once = positions

    def rotate(self, x: Tensor, places: Tensor | None = None) -> Tensor:
        """[B, H, 2L, D/H]: both halves turned alike."""
        return torch.cat([self.once.rotate(half) for half in x.chunk(2, dim=2)], dim=2)

    def bias(self, layer: int, length: int, related: Tensor | None = None) -> Tensor | None:
        """[H, 2L, 2L]: a shadow is related to others as its token is."""
        once = self.once.bias(layer, length // 2, related)
        return None if once is None else once.repeat(1, 2, 2)


class Planned(DenoiserWrapper):
    """A mask denoiser behind a planner of uniform noise (Liu et al. 2024, DDPD, arXiv 2410.06264). Two forwards.

    The planner gives logits of P(corrupted), the summary `planner` [B, L]. First one position is drawn by their
    softmax: the summary `planned` [B, L] bool. Then every token is masked with its probability, and the one at the
    drawn position always, before the denoiser sees the sequence; a denoiser that copies what it sees would otherwise
    keep the very token that it is to replace. The denoiser's noise level is the one of so many masks.

    Args:
        denoiser: trained under masks.
        planner: from a state to logits [B, L], its forward counted as one.
        temperature: divides the planner's logits for the draw of the position, as it does the denoiser's for the token.

    Raises:
        ValueError: a denoiser trained under another noise, a temperature that is not positive.
    """

    def __init__(self, denoiser: nn.Module, planner: nn.Module, temperature: float = 1.0):
        super().__init__(denoiser)
        if self.denoiser.corruption.kind != "absorbing":
            raise ValueError("a planner goes with a denoiser trained under masks; this one is under uniform noise")
        if not temperature > 0:
            raise ValueError(f"temperature {temperature} is not positive; use for instance 1.0")
        self.planner, self.temperature = planner, temperature

    @property
    def corruption(self) -> Corruption:
        """Uniform noise on the denoiser's schedule: the sequences hold tokens, never masks."""
        return Uniform(self.vocabulary, self.denoiser.corruption.schedule)

    def evaluate(self, state: SamplerState) -> Evaluation:
        logit = self.planner(state)
        planned = at_random(logit / self.temperature, state.eligible, state.noise.once_a_step("planner"))
        uniform = state.noise.everywhere("planner mask", state.tokens.shape[1])
        ahead = state.editable & ~state.eligible & ~state.committed  # noise for certain: its block has not begun
        hide = (state.eligible & (uniform < logit.double().sigmoid())) | planned | ahead
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
        summaries = {**evaluation.summaries, "planner": logit, "planned": planned}
        positions = evaluation.positions_computed + state.tokens.shape[1]
        return replace(evaluation, summaries=summaries, forwards=evaluation.forwards + 1, token_forwards=positions)


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
