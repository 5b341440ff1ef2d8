"""A published autoregressive model as the reference model: text of any language, scored by its likelihood."""

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Self

import numpy as np
import torch

from adaptive_diffusion.models.pretrained.loading import extra


class PretrainedReference:
    """A causal language model of `transformers` whose likelihood scores texts.

    Args:
        model: in evaluation mode.
        tokenizer: its tokenizer.
        context: tokens it reads at once; a longer text is read in windows that overlap by half, and each token is
            scored once, in the window where most stands before it.

    Raises:
        ValueError: a context of fewer than 2 tokens.
    """

    def __init__(self, model: Any, tokenizer: Any, context: int = 1024):
        if context < 2:
            raise ValueError(f"context={context} leaves nothing to predict from; use at least 2")
        self.model, self.tokenizer, self.context = model, tokenizer, context

    @classmethod
    def from_pretrained(cls, name: str, gguf: str | None = None, context: int = 1024) -> Self:
        """The model of a folder or of the hub; `gguf` names a file of it in the GGUF format, whose weights stay as
        they are packed. No code beside the weights runs, and no pickle is opened.

        Raises:
            ModuleNotFoundError: without the extra `pretrained`; for GGUF the extra `gguf` is needed.
        """
        transformers = extra("transformers")
        if gguf is not None:
            for needed in ("gguf", "accelerate"):  # transformers loads the format with both
                extra(needed, "gguf")
        where: dict[str, Any] = {
            "trust_remote_code": False,
            **({"gguf_file": gguf} if gguf else {"use_safetensors": True}),
        }
        model = transformers.AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, **where).eval()
        tokenizer = {key: value for key, value in where.items() if key != "use_safetensors"}
        return cls(model, transformers.AutoTokenizer.from_pretrained(name, **tokenizer), context)

    @torch.inference_mode()
    def bits(self, texts: Sequence[str]) -> np.ndarray:
        """float64 [R], −log₂ p of each text given the beginning of a text; 0 for an empty one. The first token is not
        counted where the model has no token that begins a text."""
        return np.array([self._bits(text) for text in texts])

    @torch.inference_mode()
    def bits_behind(self, before: str, texts: Sequence[str], rows: int = 16) -> np.ndarray:
        """float64 [R], −log₂ p of each text given what stands before it, which is read once for all of them; `rows`
        texts are read at a time. Each text is cut into tokens by itself.

        Raises:
            ValueError: the longest text and what stands before it are more tokens than `context`, or nothing stands
                before and the model has no token that begins a text.
        """
        given, behind = self._ids(before), [self._cut(text) for text in texts]
        if not given:
            raise ValueError("nothing stands before the texts, and the model has no token that begins one")
        if (tokens := len(given) + max(map(len, behind), default=0)) > self.context:
            raise ValueError(f"{tokens} tokens are more than the context of {self.context}; give less before the texts")
        read, found = self.model(input_ids=torch.tensor([given]), use_cache=True), []
        for start in range(0, len(behind), rows):
            found += self._bits_behind(read, len(given), behind[start : start + rows])
        return np.array(found)

    def _bits_behind(self, read: Any, given: int, behind: list[list[int]]) -> list[float]:
        """Bits of each text after `given` tokens, of which the model's output is `read`."""
        lengths = torch.tensor([len(ids) for ids in behind])
        padded = torch.zeros(len(behind), max(1, int(lengths.max())), dtype=torch.long)
        for row, ids in zip(padded, behind, strict=True):
            row[: len(ids)] = torch.tensor(ids, dtype=torch.long)
        cache = deepcopy(read.past_key_values)  # the model appends to it
        cache.batch_repeat_interleave(len(behind))
        known = torch.ones(len(behind), given + padded.shape[1], dtype=torch.long)
        logits = self.model(input_ids=padded, past_key_values=cache, attention_mask=known).logits
        logits = torch.cat([read.logits[:, -1:].expand(len(behind), -1, -1), logits[:, :-1]], 1)
        log_p = logits.float().log_softmax(-1).gather(-1, padded[..., None])[..., 0].double()
        counts = torch.arange(padded.shape[1]) < lengths[:, None]
        return (-(log_p * counts).sum(1) / math.log(2)).tolist()

    def bits_per_byte(self, texts: Sequence[str]) -> float:
        """The bits of all texts over their bytes in UTF-8; tokenisers do not matter so.

        Raises:
            ValueError: texts without a byte.
        """
        size = sum(len(text.encode()) for text in texts)
        if not size:
            raise ValueError("the texts have no bytes, so bits per byte are not defined; give texts that are not empty")
        return float(self.bits(texts).sum()) / size

    @torch.inference_mode()
    def continued(self, text: str, tokens: int) -> str:
        """What the model writes behind a text, the most probable token each time; a forward for each of so many tokens.

        Raises:
            ValueError: an empty text for a model whose texts have no beginning.
        """
        ids = self._ids(text)
        if not ids:
            raise ValueError("the text is empty, and the model has no token that begins one; give it some words")
        given = len(ids)
        for _ in range(tokens):
            logits = self.model(input_ids=torch.tensor([ids[-self.context :]])).logits[0, -1]
            ids.append(int(logits.argmax()))
        return self.tokenizer.decode(ids[given:])

    def _ids(self, text: str) -> list[int]:
        begin = self.tokenizer.bos_token_id
        return [*([] if begin is None else [begin]), *self._cut(text)]

    def _cut(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def _bits(self, text: str) -> float:
        ids = self._ids(text)
        total, scored = 0.0, 1
        for start in range(0, max(1, len(ids) - self.context // 2), max(1, self.context // 2)):
            window = torch.tensor([ids[start : start + self.context]])
            if window.shape[1] < 2:
                break
            log_p = self.model(input_ids=window).logits[0, :-1].double().log_softmax(-1)
            found = log_p.gather(-1, window[0, 1:, None])[:, 0]
            total -= float(found[max(0, scored - start - 1) :].sum()) / math.log(2)
            scored = start + window.shape[1]
        return total
