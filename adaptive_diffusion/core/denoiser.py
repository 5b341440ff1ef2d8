"""What a sampler needs from a denoiser, and what one evaluation gives and costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor
from torch.nn import Parameter

from adaptive_diffusion.core.corruption import Corruption
from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.core.state import SamplerState

if TYPE_CHECKING:
    from adaptive_diffusion.core.rule import Memory


@dataclass(frozen=True)
class Evaluation(Rows):
    """The outcome of at least one denoiser forward.

    Attributes:
        hidden: [B, L, D], what the output head turns into logits.
        summaries: named [B, L] values that need no logits (a quality head's, a planner's).
        forwards: how many forwards it took, [B] where rows differ; every one counts as an NFE.
        token_forwards: how many positions were computed in these forwards, [B] where rows differ; None stands for all
            L of them in each forward.
    """

    hidden: Tensor
    summaries: Mapping[str, Tensor] = field(default_factory=dict)
    forwards: int | Tensor = 1
    token_forwards: int | Tensor | None = None

    @property
    def positions_computed(self) -> int | Tensor:
        """`token_forwards`, with the default filled in."""
        return self.forwards * self.hidden.shape[1] if self.token_forwards is None else self.token_forwards


class Denoiser(Protocol):
    """Predicts every clean token at once. A plain `nn.Module` with these attributes and methods is one.

    Hidden states and logits are separate calls, so that logits are formed only where a rule asks for them.

    Attributes:
        vocabulary: K, the number of clean tokens; a mask, where there is one, is token K.
        width: D, the width of the hidden states.
        corruption: the noise it was trained under.
        memory: the rule that carries what it must remember between two steps, such as its last prediction; None for
            a denoiser that remembers nothing.
        time_invariant: whether an evaluation is a function of tokens and status alone. Then a sequence that did not
            change since the last step is not computed again.
        computes_all_blocks: whether an evaluation has hidden states in all blocks of the answer; False for a denoiser
            that computes the present block, or a window around it, and leaves zeros elsewhere.
    """

    @property
    def memory(self) -> Memory | None: ...

    @property
    def time_invariant(self) -> bool: ...

    @property
    def computes_all_blocks(self) -> bool: ...

    @property
    def vocabulary(self) -> int: ...

    @property
    def width(self) -> int: ...

    @property
    def corruption(self) -> Corruption: ...

    def parameters(self) -> Iterator[Parameter]:
        """As of any `nn.Module`. Queries are moved to the device of the first one."""
        ...

    def evaluate(self, state: SamplerState) -> Evaluation:
        """Hidden states of a batch of sequences."""
        ...

    def logits(self, hidden: Tensor) -> Tensor:
        """[P, K] logits over clean tokens from packed hidden states [P, D]."""
        ...


REQUIRED = {
    "vocabulary": "the number of clean tokens, such as `self.vocabulary = 9`",
    "width": "the width of the hidden states, such as `self.width = 64`",
    "corruption": "the noise it is trained under, such as `self.corruption = Absorbing(mask_id=9)`",
    "memory": "what it carries between steps: `self.memory = None` where that is nothing",
    "time_invariant": "`self.time_invariant = True` if it looks at tokens and status alone, else `False`",
    "computes_all_blocks": "`self.computes_all_blocks = True` if it gives hidden states at all positions, else `False`",
    "parameters": "derive it from `torch.nn.Module`",
    "evaluate": "a method `evaluate(state) -> Evaluation`",
    "logits": "a method `logits(hidden [P, D]) -> [P, K]`",
}


def check_denoiser(denoiser: Any) -> None:
    """Refuses what lacks a part of the protocol.

    Raises:
        ValueError: naming every missing attribute and what to write.
    """
    missing = []
    for name, advice in REQUIRED.items():
        try:
            attrgetter(name)(denoiser)
        except AttributeError:
            missing.append(f"{name} ({advice})")
    if missing:
        raise ValueError(f"{type(denoiser).__name__} is not a denoiser yet; it lacks {'; '.join(missing)}")
