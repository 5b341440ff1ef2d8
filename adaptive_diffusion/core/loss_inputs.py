"""What a loss is computed from: the states, the right answers, one evaluation, and what a sampler made of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.state import Decision, SamplerState


@dataclass(frozen=True)
class StepOutcome:
    """What a sampler made of an evaluation.

    Attributes:
        prediction, decision: of the step.
        answer: [B, L] int64, the answer if the row stopped after this step.
        score: [B] float32 in [0, 1], the task's score of that answer.
        score_of: the task's score [B] float32 of other complete answers [B, L] to the same queries.
    """

    prediction: Prediction
    decision: Decision
    answer: Tensor
    score: Tensor
    score_of: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class LossInputs:
    """The inputs of an objective.

    Attributes:
        model: the denoiser with its heads.
        state: the sequences [B, L] that were evaluated.
        clean: [B, L] int64, a right answer to each.
        hidden: [B, L, D], with gradient where the trunk trains.
        outcome: what the sampler made of this evaluation; None for states that no sampler drives.
    """

    model: Any
    state: SamplerState
    clean: Tensor
    hidden: Tensor
    outcome: StepOutcome | None = None
