"""Special tokens of a checkpoint, from its config, its generation settings and its tokenizer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SpecialTokens:
    """Ids of the special tokens of a checkpoint.

    Attributes:
        mask: the token of absorbing noise; None for a model without.
        pad: fills prompts up to one length; None where batches of several lengths are impossible.
        end: tokens that end an answer; what follows is no part of it.
    """

    mask: int | None = None
    pad: int | None = None
    end: tuple[int, ...] = ()

    @classmethod
    def of(
        cls,
        config: Any,
        tokenizer: Any = None,
        mask_token: str | None = None,
        generation: Mapping[str, Any] | None = None,
    ) -> "SpecialTokens":
        """The ids that config, tokenizer and generation settings name; the end tokens are those of all three.

        Args:
            config: a `transformers` config; of a composite one the text part is read too.
            tokenizer: None for a checkpoint without.
            mask_token: the mask as text, for checkpoints that list it among their tokens but do not call it the mask.
            generation: what the checkpoint's generation_config.json holds; None for a checkpoint without.

        Raises:
            ValueError: config and tokenizer name different masks, `mask_token` is no token, or an end token is no
                integer.
        """
        if mask_token is not None:
            mask = tokenizer.get_vocab().get(mask_token) if tokenizer is not None else None
            if mask is None:
                raise ValueError(f"mask_token={mask_token!r} is no single token of the checkpoint's tokenizer")
        else:
            of_config, of_tokenizer = _of_config(config, "mask_token_id"), getattr(tokenizer, "mask_token_id", None)
            if of_config is not None and of_tokenizer is not None and of_config != of_tokenizer:
                raise ValueError(
                    f"the config calls token {of_config} the mask, the tokenizer {of_tokenizer}; give mask_token, the "
                    "text of it"
                )
            mask = of_tokenizer if of_config is None else of_config
        generation = generation or {}
        pads = (
            _of_config(config, "pad_token_id"),
            getattr(tokenizer, "pad_token_id", None),
            generation.get("pad_token_id"),
        )
        ends = {
            *_several(_of_config(config, "eos_token_id"), "config.json"),
            *_several(getattr(tokenizer, "eos_token_id", None), "the tokenizer"),
            *_several(generation.get("eos_token_id"), "generation_config.json"),
        }
        return cls(mask, next((pad for pad in pads if pad is not None), None), tuple(sorted(ends)))


def _of_config(config: Any, name: str) -> Any:
    value = getattr(config, name, None)
    return getattr(config.get_text_config(), name, None) if value is None else value


def _several(value: Any, where: str) -> list[int]:
    """The ids of an entry that is one id, a list of ids, or missing."""
    ids = [item for item in (value if isinstance(value, list | tuple) else [value]) if item is not None]
    if wrong := [item for item in ids if isinstance(item, bool) or not isinstance(item, int)]:
        raise ValueError(
            f"eos_token_id in {where} holds {wrong[0]!r}; it must be a token's number or a list of numbers"
        )
    return ids
