"""Self-conditioning: a denoiser that sees its last prediction (Chen et al. 2022, arXiv 2208.04202)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from adaptive_diffusion.core.prediction import Logits, LogitStatistic, Prediction
from adaptive_diffusion.core.rule import Memory
from adaptive_diffusion.core.state import Decision, SamplerState


@dataclass(frozen=True, eq=False)
class ExpectedEmbedding(LogitStatistic):
    """`expected_embedding` [P, D] = Σ_k p_k·e_k over the clean tokens' embeddings e [K, D], from processed logits."""

    embedding: Tensor

    def __call__(self, logits: Logits) -> dict[str, Tensor]:
        return {"expected_embedding": logits.probability.to(self.embedding.dtype) @ self.embedding}


@dataclass(frozen=True, eq=False)
class SelfConditioning(Memory):
    """Carries the expected embedding [B, L, D] to the next forward; zero before the first, and where nothing was
    read."""

    embedding: Tensor
    name: ClassVar[str] = "self_conditioning.expected"
    reads_committed = True

    def logit_statistics(self) -> tuple[LogitStatistic, ...]:
        return (ExpectedEmbedding(self.embedding),)

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        return {self.name: self.embedding.new_zeros(*state.tokens.shape, self.embedding.shape[1])}

    def update_carry(self, state: SamplerState, prediction: Prediction, decision: Decision) -> dict[str, Tensor]:
        return {self.name: prediction["expected_embedding"]}
