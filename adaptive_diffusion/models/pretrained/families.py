"""How the masked families differ: the arguments of their forward, and at which position logits are formed."""

import inspect
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from adaptive_diffusion.models.pretrained.denoiser import PretrainedDenoiser


class MaskedLanguageModel(PretrainedDenoiser):
    """Any encoder that `AutoModelForMaskedLM` opens: BERT, RoBERTa, ModernBERT, EuroBERT and many more. Most were
    trained with 15 to 40% of masks, and never with a fully masked sequence.

    Raises:
        ValueError: padded prompts for an architecture whose forward takes no positions.
    """

    auto = "AutoModelForMaskedLM"

    def inputs(self, tokens: Tensor, real: Tensor) -> dict[str, Any]:
        common = {"input_ids": tokens, "attention_mask": real.long()}
        if "position_ids" in inspect.signature(self.backbone.forward).parameters:
            return {**common, "position_ids": positions(real) + self.first_position}
        if not real.all():
            raise ValueError(
                f"the forward of {type(self.backbone).__name__} takes no positions, so that a padded prompt would be "
                "read at wrong ones; give it queries of one length without padding"
            )
        return common

    @property
    def first_position(self) -> int:
        """RoBERTa and models like it count from the number after the padding index."""
        return counted_from(self.backbone)


class LLaDA(PretrainedDenoiser):
    """LLaDA and LLaDA-MoE: full attention, logits at i predict the token at i (Nie et al. 2025, arXiv
    2502.09992; Zhu et al. 2025, arXiv 2509.24389). Remote code."""

    auto = "AutoModelForCausalLM"

    def inputs(self, tokens: Tensor, real: Tensor) -> dict[str, Any]:
        return {"input_ids": tokens, "attention_mask": real.long()}


class Dream(PretrainedDenoiser):
    """Dream and DiffuCoder: made from an autoregressive model, so that logits at i predict the token at i + 1;
    attention is the word "full", or [B, 1, L, L] where prompts are padded (Ye et al. 2025, arXiv 2508.15487). Remote
    code."""

    auto = "AutoModel"
    shift: ClassVar[int] = 1

    def inputs(self, tokens: Tensor, real: Tensor) -> dict[str, Any]:
        if real.all():
            return {"input_ids": tokens, "attention_mask": "full"}
        seen = (real[:, :, None] & real[:, None, :]) | _itself(real)
        return {"input_ids": tokens, "attention_mask": seen[:, None], "position_ids": positions(real)}


class LLaDA2(PretrainedDenoiser):
    """LLaDA2.x: a position sees its own block and those before it, by an additive mask [B, 1, L, L]; blocks are counted
    from the first token of the prompt (Bie et al. 2025, arXiv 2512.15745). Remote code.

    Args:
        block_length: as the model was trained.
    """

    auto = "AutoModelForCausalLM"
    attention: ClassVar[str] = "block-causal"

    def __init__(self, *args: Any, block_length: int = 32, **settings: Any):
        super().__init__(*args, **settings)
        if block_length < 1:
            raise ValueError(f"block_length={block_length} must be at least 1; LLaDA2 was trained with 32")
        self.block_length = block_length

    def inputs(self, tokens: Tensor, real: Tensor) -> dict[str, Any]:
        place = positions(real)
        block = place // self.block_length
        seen = (block[:, None, :] <= block[:, :, None]) & real[:, None, :]
        return {
            "input_ids": tokens,
            "attention_mask": additive(seen | _itself(real), self.dtype)[:, None],
            "position_ids": place,
        }


def counted_from(model: nn.Module) -> int:
    """The number of the first position of an encoder: that after the padding index of its table of positions, else
    0."""
    tables = (module for name, module in model.named_modules() if name.endswith("position_embeddings"))
    padding = getattr(next(tables, None), "padding_idx", None)
    return 0 if padding is None else padding + 1


def positions(real: Tensor) -> Tensor:
    """[B, L] int64, the place of each real token among the real ones, from 0; 0 in the padding before them."""
    return (real.long().cumsum(1) - 1).clamp(min=0)


def additive(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where `seen`, the most negative number elsewhere: what is added to attention scores."""
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill(~seen, torch.finfo(dtype).min)


def _itself(real: Tensor) -> Tensor:
    """[L, L]: padding attends to itself, since a softmax over nothing is not a number."""
    return torch.eye(real.shape[1], dtype=torch.bool, device=real.device)
