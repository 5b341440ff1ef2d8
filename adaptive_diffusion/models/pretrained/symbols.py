"""Encoders whose tokens are single symbols, such as the residues of a protein, behind an alphabet of their own."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.core.corruption import Absorbing, Corruption, Uniform
from adaptive_diffusion.models.pretrained.denoiser import PretrainedDenoiser
from adaptive_diffusion.models.pretrained.families import counted_from, positions
from adaptive_diffusion.models.pretrained.ids import SpecialTokens

NOISE = ("masks", "uniform")


class SymbolLanguageModel(PretrainedDenoiser):
    """A masked language model of single symbols (AntiBERTy, Sapiens) behind the alphabet of a task.

    Token k is `symbols[k]` for k < K, token K is padding, token K + 1 the mask. In the model's own tokens a sequence
    stands between a begin and an end token, and padding is not attended to. Only symbols are predicted: the model's
    other tokens have no logit here, and padding has −∞.

    Args:
        model, tokens, tokenizer: as in `PretrainedDenoiser`; the tokenizer names begin and end (cls and sep, or bos and
            eos).
        symbols: the alphabet, each a token of the model.
        noise: "masks" for a model trained on masks, "uniform" for one trained on random replacement.
        settings: as in `PretrainedDenoiser`.

    Raises:
        ValueError: no tokenizer, symbols that are no tokens of it, or another noise.
    """

    auto = "AutoModelForMaskedLM"

    def __init__(
        self,
        model: Any,
        tokens: SpecialTokens,
        tokenizer: Any = None,
        symbols: Sequence[str] = "ACDEFGHIKLMNPQRSTVWY",
        noise: str = "masks",
        **settings: Any,
    ):
        if noise not in NOISE:
            raise ValueError(f"noise={noise!r} is none of {', '.join(NOISE)}")
        if tokenizer is None:
            raise ValueError(f"{type(model).__name__} comes without a tokenizer, which names its symbols")
        known = tokenizer.get_vocab()
        if missing := [symbol for symbol in symbols if symbol not in known]:
            raise ValueError(f"the symbols {' '.join(missing)} are no tokens of {type(model).__name__}")
        self.symbols, self.noise = tuple(symbols), noise
        self.around = _around(tokenizer, known)
        super().__init__(model, tokens, tokenizer, **settings)
        count = len(self.symbols)
        own = [
            *(known[symbol] for symbol in self.symbols),
            tokens.pad,
            tokens.pad if tokens.mask is None else tokens.mask,
        ]
        self.register_buffer("own", torch.tensor(own), persistent=False)
        self.vocabulary = count + 1
        self.own_padding, self.tokens = tokens.pad, SpecialTokens(count + 1, count)

    def _corruption(self) -> Corruption:
        if self.noise == "uniform":
            return Uniform(len(self.symbols))
        return Absorbing(len(self.symbols) + 1)

    @property
    def first_position(self) -> int:
        """RoBERTa and models like it count from the number after the padding index."""
        return counted_from(self.backbone)

    @property
    def max_length(self) -> int | None:
        """The symbols of a sequence, begin and end not counted."""
        longest = super().max_length
        return None if longest is None else longest - 2

    def hidden(self, tokens: Tensor, status: Tensor, noise_level: Tensor | None = None) -> Tensor:
        """[B, L, D] float32 hidden states from the task's tokens [B, L]."""
        real = self.real(tokens, status)
        return self.backbone(**self.inputs(tokens, real)).logits.float()[:, 1:-1]

    def inputs(self, tokens: Tensor, real: Tensor) -> dict[str, Any]:
        """[B, L + 2] ids of the model with begin before the first and end behind the last symbol."""
        begin, end = self.around
        own = self.own[tokens].where(real, self.own_padding)  # type: ignore[index]
        ids = F.pad(own, (1, 1), value=self.own_padding)
        inside = F.pad(real, (1, 1))
        started, ended = inside.cumsum(1), inside.flip(1).cumsum(1).flip(1)
        first = F.pad(started, (0, 1))[:, 1:].eq(1) & started.eq(0) & F.pad(inside, (0, 1))[:, 1:]
        last = F.pad(ended, (1, 0))[:, :-1].eq(1) & ended.eq(0) & F.pad(inside, (1, 0))[:, :-1]
        ids = torch.where(first, begin, torch.where(last, end, ids))
        attended = inside | first | last
        return {
            "input_ids": ids,
            "attention_mask": attended.long(),
            "position_ids": positions(attended) + self.first_position,
        }

    def logits(self, hidden: Tensor) -> Tensor:
        """[P, K + 1] float32 logits of the symbols; −∞ at the padding."""
        values = self.head(hidden.to(self.dtype)).float()[:, self.own[: len(self.symbols)]]  # type: ignore[index]
        return F.pad(values, (0, 1), value=-torch.inf)


def _around(tokenizer: Any, known: dict[str, int]) -> tuple[int, int]:
    """The tokens before and behind a text."""
    special = tokenizer.special_tokens_map
    for begin, end in (("cls_token", "sep_token"), ("bos_token", "eos_token")):
        if begin in special and end in special:
            return known[special[begin]], known[special[end]]
    raise ValueError("the tokenizer names neither cls and sep nor bos and eos, which stand around a sequence")
