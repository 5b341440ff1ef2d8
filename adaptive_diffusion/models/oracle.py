"""The exact posterior of a distribution small enough to enumerate, as a denoiser that makes samplers testable."""

from abc import abstractmethod
from typing import Self

import torch
from torch import Tensor, nn

from adaptive_diffusion.core.corruption import Corruption
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.state import SamplerState

_IMPOSSIBLE = -1e4
"""log of the likelihood of what cannot happen. Finite, so that a sequence outside the support is read as the limit of
ever rarer misprints: the sequences with the fewest contradictions share the mass."""


class EnumeratedPosterior(nn.Module):
    """A posterior of each clean token under a known p(x_0), in float64, by a sum over its support.

    Position i counts the evidence q(x_t^j | x^j) of the positions j that `log_weight` chooses. It is 1[x_t^j = x^j] at
    given positions and what the corruption has as `evidence` at editable ones: 1 at masks, 1[x_t^j = x^j] at unmasked
    ones, and α(t)·1[x_t^j = x^j] + (1 − α(t))/K under uniform noise, committed or not. Hidden states are
    log-probabilities [B, L, K], the output head is the identity.

    Args:
        support: [S, L] int64, the sequences of positive probability.
        probability: [S], their probabilities up to a common factor.
        corruption: the noise the sequences are under.
        vocabulary: K; one more than the largest token of the support when not given.

    Raises:
        ValueError: shapes that disagree, a probability that is not positive, a token outside the vocabulary, or a
            sequence of another length.
    """

    support: Tensor
    log_prior: Tensor

    def __init__(self, support: Tensor, probability: Tensor, corruption: Corruption, vocabulary: int | None = None):
        super().__init__()
        if support.ndim != 2 or probability.shape != support.shape[:1] or not len(support):
            raise ValueError(
                f"an oracle needs support [S, L] and probability [S]; got {tuple(support.shape)} and "
                f"{tuple(probability.shape)}"
            )
        if not (probability > 0).all():
            raise ValueError("probabilities of the support must be positive; leave out sequences that cannot happen")
        self.vocabulary = vocabulary or int(support.max()) + 1
        if support.min() < 0 or support.max() >= self.vocabulary:
            raise ValueError(f"tokens of the support lie outside 0…{self.vocabulary - 1}; give a larger vocabulary")
        self.corruption = corruption
        self.width = self.vocabulary
        self.memory, self.computes_all_blocks = None, True
        self.time_invariant = corruption.time_invariant
        self.register_buffer("support", support.long())
        self.register_buffer("log_prior", probability.double().log())

    @classmethod
    def of_table(cls, table: Tensor, corruption: Corruption) -> Self:
        """The oracle of a dense table [K]·L, table[x_1, …, x_L] ∝ p(x)."""
        if len(set(table.shape)) != 1:
            raise ValueError(f"a table of L tokens over K has the shape [K]·L, not {tuple(table.shape)}")
        support = table.nonzero()
        return cls(support, table[tuple(support.T)], corruption, table.shape[0])

    def evaluate(self, state: SamplerState) -> Evaluation:
        """Log-posteriors of a batch of sequences."""
        each = self.log_likelihood(state)
        together = self.log_prior.expand(len(each), -1)
        for evidence in each.unbind(1):  # one by one: a reduction may add in another order in another batch
            together = together + evidence
        weight = self.log_weight(together, each)
        weight = (weight - weight.amax(-1, keepdim=True)).exp()
        mass = weight.new_zeros(*each.shape[:2], self.vocabulary)
        mass.scatter_add_(2, self.support.T.expand(len(each), -1, -1), weight)
        return Evaluation(mass.log().log_softmax(-1))

    def logits(self, hidden: Tensor) -> Tensor:
        """The hidden states as they are."""
        return hidden

    def log_likelihood(self, state: SamplerState) -> Tensor:
        """[B, L, S] log q(x_t^j | x^j) for every position j and sequence x of the support."""
        if state.tokens.shape[1] != self.support.shape[1]:
            raise ValueError(
                f"the oracle's sequences have {self.support.shape[1]} positions, "
                f"but the state has {state.tokens.shape[1]}"
            )
        match = (state.tokens[:, :, None] == self.support.T).double()
        noisy = self.corruption.evidence(state.tokens, state.noise_level, self.support.T, self.vocabulary)
        return torch.where(state.editable[:, :, None], noisy, match).log().clamp(min=_IMPOSSIBLE)

    @abstractmethod
    def log_weight(self, together: Tensor, each: Tensor) -> Tensor:
        """[B, L, S] log-weights of the support at each position, from all evidence `together` [B, S], the prior
        included, and each position's own `each` [B, L, S]."""


class OracleDenoiser(EnumeratedPosterior):
    """p(x_0^i = k | x_t) ∝ Σ_{x : x^i = k} p(x) Π_j q(x_t^j | x^j), the ordinary posterior."""

    def log_weight(self, together: Tensor, each: Tensor) -> Tensor:
        return together[:, None].expand_as(each)


class LeaveOneOutOracle(EnumeratedPosterior):
    """p(x_0^i = k | x_t without position i) ∝ Σ_{x : x^i = k} p(x) Π_{j≠i} q(x_t^j | x^j), which a token's own presence
    does not support."""

    def log_weight(self, together: Tensor, each: Tensor) -> Tensor:
        return together[:, None] - each
