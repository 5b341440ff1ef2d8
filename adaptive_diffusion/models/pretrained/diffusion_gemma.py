"""DiffusionGemma: an encoder reads the prompt and finished blocks, a decoder writes the next block (Google 2026)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from adaptive_diffusion.core.corruption import Corruption, Uniform
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.pretrained.denoiser import PretrainedDenoiser
from adaptive_diffusion.models.pretrained.families import additive
from adaptive_diffusion.models.pretrained.loading import extra
from adaptive_diffusion.models.self_conditioning import SelfConditioning


class DiffusionGemma(PretrainedDenoiser):
    """`DiffusionGemmaForBlockDiffusion`: uniform noise, self-conditioning on the processed logits; one block
    after another is written behind a prompt whose keys and values are cached.

    A query is a prompt, padded on its left, and one or more blocks of `canvas_length` editable positions; several
    blocks need a sampler with that `block_length`. Each row carries its cache, 2·layers tensors [B, heads, L − C, d],
    so that rows may join and leave the batch at any block. Instead of the logits [B, L, K] it carries the expected
    embedding [B, L, D], which is all that the model uses of them. NFE counts decoder forwards, as `transformers` does,
    and token-forwards the decoder's positions; the encoder reads once for each block.
    """

    auto = "DiffusionGemmaForBlockDiffusion"

    def __init__(self, *args: Any, **settings: Any):
        super().__init__(*args, **settings)
        self.canvas_length: int = self.backbone.config.canvas_length
        self.time_invariant = False
        self.computes_all_blocks = False
        self.memory: PrefixMemory = PrefixMemory(self._decoder.embed_tokens.weight, self)

    def _cut(self, model: Any) -> Any:
        return model.lm_head

    def _corruption(self) -> Corruption:
        return Uniform(self.vocabulary)

    @property
    def _decoder(self) -> Any:
        return self.backbone.model.decoder

    def inputs(self, tokens: Tensor, real: Tensor) -> dict[str, Any]:
        raise NotImplementedError  # encoder and decoder take different things: see `encode` and `decode`

    def hidden(self, tokens: Tensor, status: Tensor, noise_level: Tensor | None = None) -> Tensor:
        """Hidden states of the last `canvas_length` columns, from a prompt that is read anew and without
        self-conditioning: what heads are trained on."""
        real = self.real(tokens, status)
        start = torch.full_like(tokens[:, 0], tokens.shape[1] - self.canvas_length)
        return self.decode(tokens, real, start, self.encode(tokens, real), None)

    def evaluate(self, state: SamplerState) -> Evaluation:
        if "prefix.start" not in state.carry:  # training states carry no cache
            return Evaluation(self.hidden(state.tokens, state.status))
        real, carry = self.real(state.tokens, state.status), state.carry
        layers = self.memory.layers(state)
        hidden = self.decode(state.tokens, real, carry["prefix.start"], layers, carry[SelfConditioning.name])
        return Evaluation(hidden, token_forwards=self.canvas_length)

    def logits(self, hidden: Tensor) -> Tensor:
        """[P, K] float32 logits, softly capped."""
        cap = self.backbone.final_logit_softcapping
        return torch.tanh(self.head(hidden.to(self.dtype)).float() / cap) * cap

    @torch.no_grad()
    def encode(self, tokens: Tensor, real: Tensor) -> "list[CachedLayer]":
        """Keys and values of all columns but those of the last block, layer by layer. Attention is causal there: the
        keys and values before a block do not depend on the tokens in it."""
        prompt = tokens[:, : -self.canvas_length]
        config, encoder = self.backbone.config, self.backbone.model.encoder
        cache: Any = extra("transformers").DynamicCache()
        place = torch.arange(prompt.shape[1], device=tokens.device)[None]
        masks = encoder.create_masks_for_generate(
            config=config,
            inputs_embeds=torch.empty(*prompt.shape, 0, dtype=self.dtype, device=tokens.device),
            attention_mask=real[:, : prompt.shape[1]],
            past_key_values=cache,
            position_ids=place,
        )
        encoder(input_ids=prompt, attention_mask=masks, past_key_values=cache, position_ids=place)
        return [CachedLayer(layer.keys, layer.values) for layer in cache.layers]

    def decode(
        self, tokens: Tensor, real: Tensor, start: Tensor, layers: "list[CachedLayer]", expected: Tensor | None
    ) -> Tensor:
        """[B, L, D] hidden states of the blocks that begin at `start` [B], zero elsewhere, from the cache of what is
        before them and the expected embedding [B, L, D] of the last prediction."""
        columns = start[:, None] + torch.arange(self.canvas_length, device=tokens.device)
        rows = torch.arange(len(tokens), device=tokens.device)[:, None]
        with self._recalling(None if expected is None else expected[rows, columns]):
            block = self._decoder(
                decoder_input_ids=tokens[rows, columns],
                past_key_values=Prefix(layers),
                decoder_attention_mask=self._masks(real, start),
                decoder_position_ids=columns,
            ).last_hidden_state.float()
        return block.new_zeros(*tokens.shape, block.shape[-1]).index_put((rows, columns), block)

    def _masks(self, real: Tensor, start: Tensor) -> dict[str, Tensor]:
        """What a block sees, for each kind of layer: itself, and of what is before it all but padding, or in sliding
        layers the end of that."""
        config = self.backbone.config.get_text_config()
        column = torch.arange(real.shape[1] - self.canvas_length, device=real.device)
        before = real[:, : len(column)] & (column < start[:, None])
        near = column > start[:, None] - config.sliding_window
        itself = real.new_ones(len(real), self.canvas_length)
        return {
            kind: additive(torch.cat([seen, itself], 1), self.dtype)[:, None, None].expand(
                -1, 1, self.canvas_length, -1
            )
            for kind, seen in (("full_attention", before), ("sliding_attention", before & near))
        }

    @contextmanager
    def _recalling(self, expected: Tensor | None) -> Iterator[None]:
        """Shows the decoder an expected embedding [B, C, D] where it would form one from all logits."""

        def recall(module: Any, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            embedded, nothing = inputs
            scale = self._decoder.embed_tokens.embed_scale.to(embedded.dtype)
            return embedded, nothing if expected is None else expected.to(embedded.dtype) * scale

        hook = self._decoder.self_conditioning.register_forward_pre_hook(recall)
        try:
            yield
        finally:
            hook.remove()


@dataclass(frozen=True)
class CachedLayer:
    """Keys and values [B, H, P, d] of one layer."""

    keys: Tensor
    values: Tensor


@dataclass(frozen=True)
class Prefix:
    """What the decoder looks at of a cache that it only reads."""

    layers: list[CachedLayer]
    is_compileable: ClassVar[bool] = False


@dataclass(frozen=True, eq=False)
class PrefixMemory(SelfConditioning):
    """Carries, beside the expected embedding, the keys and values of what stands before the present block, and where
    that begins, `prefix.start` [B].

    Raises:
        ValueError: a query whose block has no prompt before it or is not as long as the model's.
    """

    denoiser: DiffusionGemma

    def in_training(self, state: SamplerState) -> dict[str, Tensor]:
        return {}

    def init_carry(self, state: SamplerState, vocabulary: int) -> dict[str, Tensor]:
        canvas, length = self.denoiser.canvas_length, state.tokens.shape[1]
        first = state.editable.long().argmax(1) + state.block * canvas
        after = torch.arange(length, device=first.device) >= first[:, None] + canvas
        if (first + canvas > length).any() or (state.eligible & after).any() or (first == 0).any():
            raise ValueError(
                f"DiffusionGemma writes {canvas} positions at a time behind a prompt: a query needs a prompt and a "
                f"multiple of {canvas} positions after it, and a sampler with block_length={canvas} if there are more"
            )
        layers = self.denoiser.encode(state.tokens, self.denoiser.real(state.tokens, state.status))
        cached = {f"prefix.keys{index}": layer.keys for index, layer in enumerate(layers)}
        cached |= {f"prefix.values{index}": layer.values for index, layer in enumerate(layers)}
        return {**super().init_carry(state, vocabulary), **cached, "prefix.start": first}

    def layers(self, state: SamplerState) -> list[CachedLayer]:
        """The cache as it was carried."""
        count = sum(name.startswith("prefix.keys") for name in state.carry)
        return [
            CachedLayer(state.carry[f"prefix.keys{index}"], state.carry[f"prefix.values{index}"])
            for index in range(count)
        ]
