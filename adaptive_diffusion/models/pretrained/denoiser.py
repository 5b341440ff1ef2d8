"""What all pretrained denoisers share: borrowed weights, special tokens, padding, adapters."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from functools import cached_property
from itertools import chain
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from adaptive_diffusion.core.corruption import Absorbing, Corruption
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.rule import Memory
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.pretrained.adapters import add_adapters
from adaptive_diffusion.models.pretrained.cut import cut
from adaptive_diffusion.models.pretrained.ids import SpecialTokens
from adaptive_diffusion.models.pretrained.loading import Checkpoint, borrow
from adaptive_diffusion.models.pretrained.padding import padding_error
from adaptive_diffusion.models.pretrained.weights import check_weights


class PretrainedDenoiser(nn.Module, ABC):
    """A model of `transformers` as a denoiser. Its own weights are borrowed: they are never trained and never saved, so
    a checkpoint of heads (and adapters) on it is as small as these.

    Hidden states and logits follow the denoiser protocol; the mask itself is never predicted. Padding tokens that a
    query gives before its first or after its last other token are not attended to, unless the model's code ignores its
    attention mask (`padding_changes_predictions`).

    Args:
        model: a model of `transformers` in evaluation mode; it is cut in two and belongs to the denoiser from then on.
        tokens: its special tokens.
        tokenizer: of `transformers`, for text in and out.
        lora: settings of low-rank adapters (`peft.LoraConfig`), which then learn where "denoiser" is trainable.
        checkpointing: keep fewer activations for adapters' gradients and compute them anew.

    Attributes:
        auto: the class of `transformers` that opens a checkpoint of this family.
        shift: 1 where logits at position i are about the token at i + 1.
        attention: "full", or "block-causal" where later blocks are not seen.
        memory: a part that carries self-conditioning and caches from step to step, or None.
        canvas_length: the number of positions that are written at a time; None for a model that writes any number.

    Raises:
        ValueError: weights that hold NaN or infinity, or a model that cannot be separated from its output layer.
    """

    auto: ClassVar[str]
    shift: ClassVar[int] = 0
    attention: ClassVar[str] = "full"
    memory: Memory | None = None
    canvas_length: int | None = None

    def __init__(
        self,
        model: Any,
        tokens: SpecialTokens,
        tokenizer: Any = None,
        lora: Mapping[str, Any] | None = None,
        checkpointing: bool = False,
    ):
        super().__init__()
        self.tokens, self.tokenizer = tokens, tokenizer
        check_weights(model)
        self.head = self._cut(model)
        self.learning = add_adapters(model, lora) if lora else frozenset()
        self.backbone = model
        self.vocabulary: int = self.head.weight.shape[0]
        self.corruption = self._corruption()
        self.time_invariant = True
        self.computes_all_blocks = True
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        self.checkpointing = checkpointing
        self.requires_grad_(False).eval()
        self.register_state_dict_post_hook(_leave_out_borrowed)
        self.register_load_state_dict_post_hook(_miss_nothing_borrowed)

    @classmethod
    def from_pretrained(
        cls,
        name: str,
        *,
        revision: str | None = None,
        remote_code: bool = False,
        dtype: str = "float32",
        mask_token: str | None = None,
        **settings: Any,
    ) -> Self:
        """The checkpoint `name` of the Hugging Face hub, or a folder (`loading.Checkpoint`), with its ids from config
        and tokenizer (`ids.SpecialTokens.of`); `settings` are those of the class.

        Warns:
            UserWarning: padding changes the predictions of the model.

        Raises:
            ValueError: remote code without a pinned commit or for another version of `transformers`, a model that does
                not fit the family, no mask token.
            ModuleNotFoundError: without the extra `pretrained`.
        """
        checkpoint = Checkpoint(name, revision, remote_code, dtype)
        with borrow(), checkpoint.explaining():
            model, tokenizer = checkpoint.open(cls.auto)
            tokens = SpecialTokens.of(model.config, tokenizer, mask_token, checkpoint.generation_settings())
            denoiser = cls(model, tokens, tokenizer, **settings)
            if denoiser.padding_changes_predictions:
                warnings.warn(
                    f"{name}: padding before a prompt changes the predictions (relative error "
                    f"{denoiser.padding_error:.2g}); use queries of one length without padding. lm-eval's requests are "
                    "grouped by exact length",
                    stacklevel=2,
                )
        return denoiser

    def _cut(self, model: Any) -> Any:
        return cut(model)

    def _corruption(self) -> Corruption:
        if self.tokens.mask is None:
            raise ValueError(
                f"neither config nor tokenizer of {type(self.backbone).__name__} names a mask; give mask_token, the "
                "mask as text, or take the adapter of another family"
            )
        return Absorbing(self.tokens.mask)

    @abstractmethod
    def inputs(self, tokens: Tensor, real: Tensor) -> dict[str, Any]:
        """The arguments of the family's forward, for tokens [B, L] of which `real` [B, L] are no padding."""

    @property
    def width(self) -> int:
        """D, the width of hidden states."""
        return self.head.weight.shape[1]

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.head.weight.dtype

    @property
    def max_length(self) -> int | None:
        """The positions the model was built for, by its config; None where the config names no limit."""
        text = self.backbone.config.get_text_config().to_dict()
        limits = [text[name] for name in LIMITS if isinstance(text.get(name), int)]
        return limits[0] - self.first_position if limits else None

    @property
    def first_position(self) -> int:
        """The number of the first position, where positions are counted in a table of embeddings."""
        return 0

    @cached_property
    def padding_error(self) -> float:
        """The relative change of hidden states by padding on the left (`padding.padding_error`), from two forwards of
        a few positions."""
        return padding_error(self)

    @property
    def padding_changes_predictions(self) -> bool:
        """Whether padded queries are answered otherwise than unpadded ones, beyond rounding."""
        return not self.padding_error <= max(1e-3, 8 * torch.finfo(self.dtype).eps)

    def hidden(self, tokens: Tensor, status: Tensor, noise_level: Tensor | None = None) -> Tensor:
        """[B, L, D] float32 hidden states from tokens [B, L] and status [B, L] (0 given, 1 committed, 2 open), at each
        position those that its own logits are formed from. These models take no noise level."""
        real = self.real(tokens, status)
        hidden = self.backbone(**self.inputs(tokens, real)).logits.float()
        return _shifted(hidden, real) if self.shift else hidden

    def real(self, tokens: Tensor, status: Tensor) -> Tensor:
        """[B, L] bool: positions that hold no padding."""
        if self.tokens.pad is None:
            return torch.ones_like(tokens, dtype=torch.bool)
        padding = (tokens == self.tokens.pad) & (status == 0)
        return ~(_leading(padding) | _leading(padding.flip(1)).flip(1))

    def evaluate(self, state: SamplerState) -> Evaluation:
        """Hidden states of the sequences of a sampler."""
        return Evaluation(self.hidden(state.tokens, state.status))

    def logits(self, hidden: Tensor) -> Tensor:
        """[P, K] float32 logits from packed hidden states [P, D]; −∞ at the mask, which is no clean token."""
        values = self.head(hidden.to(self.dtype)).float()
        return values.index_fill(-1, torch.tensor(self.tokens.mask, device=values.device), -torch.inf)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Only adapters learn."""
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(requires_grad and name in self.learning)
        return self

    def train(self, mode: bool = True) -> Self:
        """Borrowed layers stay in evaluation mode, so that there is no dropout; those that checkpoint their activations
        do so in training mode only."""
        super().train(False)
        self.training = mode
        if mode and self.checkpointing:
            for module in self.backbone.modules():
                module.training = getattr(module, "gradient_checkpointing", False)
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy, such as training averages over, with the same borrowed weights: they never change."""
        for name, value in chain(self.named_parameters(), self.named_buffers()):
            if _is_borrowed(self, name):
                memo[id(value)] = value
        other: Any = self.__class__.__new__(self.__class__)
        memo[id(self)] = other
        other.__dict__.update(deepcopy(self.__dict__, memo))
        return other


#: Where configs of `transformers` name the number of positions.
LIMITS = ("max_position_embeddings", "max_sequence_length", "n_positions")


def _leading(padding: Tensor) -> Tensor:
    return padding.long().cumprod(1).bool()


def _shifted(hidden: Tensor, real: Tensor) -> Tensor:
    """[B, L, D], each position given the hidden state of the one before it; the first real one keeps its own."""
    first = real & (real.cumsum(1) == 1)
    return torch.where(first[..., None], hidden, hidden.roll(1, 1))


def _is_borrowed(module: nn.Module, name: str) -> bool:
    return name.startswith(("backbone.", "head.")) and name not in module.learning  # type: ignore[operator]


def _leave_out_borrowed(module: nn.Module, state: dict[str, Any], prefix: str, metadata: Any) -> None:
    for name in [name for name in state if name.startswith(prefix) and _is_borrowed(module, name[len(prefix) :])]:
        del state[name]


def _miss_nothing_borrowed(module: nn.Module, keys: Any) -> None:
    # Missing names begin with the prefix of the module that is loaded; they end in the names used here.
    own = [name for name, _ in module.named_parameters() if _is_borrowed(module, name)]
    own += [name for name, _ in module.named_buffers() if _is_borrowed(module, name)]
    keys.missing_keys[:] = [key for key in keys.missing_keys if not key.endswith(tuple(own))]
