"""Which tokens are special, from a checkpoint's config and tokenizer."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SpecialTokens:
    """Attributes:
    mask: what absorbing noise looks like; None where the model knows none.
    pad: fills prompts up to one length; None where no batch of several lengths is possible.
    end: tokens that end an answer; what follows is no part of it.
    """

    mask: int | None = None
    pad: int | None = None
    end: tuple[int, ...] = ()

    @classmethod
    def of(cls, config: Any, tokenizer: Any = None, mask_token: str | None = None) -> "SpecialTokens":
        """The ids that config and tokenizer name.

        Args:
            config: a `transformers` config; a composite one is asked for its text part too.
            tokenizer: None for a checkpoint without.
            mask_token: the mask as text, for checkpoints that list it among their tokens but do not call it the mask.

        Raises:
            ValueError: config and tokenizer name different masks, or `mask_token` is no token.
        """
        if mask_token is not None:
            mask = tokenizer.get_vocab().get(mask_token) if tokenizer is not None else None
            if mask is None:
                raise ValueError(f"mask_token={mask_token!r} is no single token of the checkpoint's tokenizer")
        else:
            named, spoken = _of_config(config, "mask_token_id"), getattr(tokenizer, "mask_token_id", None)
            if named is not None and spoken is not None and named != spoken:
                raise ValueError(
                    f"the config calls token {named} the mask, the tokenizer {spoken}; give mask_token, the text of it"
                )
            mask = spoken if named is None else named
        pad = _of_config(config, "pad_token_id")
        pad = getattr(tokenizer, "pad_token_id", None) if pad is None else pad
        ends = _of_config(config, "eos_token_id")
        ends = list(ends) if isinstance(ends, list | tuple) else [ends]
        ends.append(getattr(tokenizer, "eos_token_id", None))
        return cls(mask, pad, tuple(sorted({end for end in ends if end is not None})))


def _of_config(config: Any, name: str) -> Any:
    value = getattr(config, name, None)
    return getattr(config.get_text_config(), name, None) if value is None else value
