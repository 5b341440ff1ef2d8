"""The exponential average of weights over training, with a warm-up of its decay."""

import torch
from torch import Tensor


def decay_after(updates: Tensor, decay: float) -> Tensor:
    """The decay of updates that `updates` others came before, float64: min(decay, (1 + updates)/(10 + updates)).

    So the average reaches back over about a tenth of the training so far, and no further than 1/(1 − decay) steps; a
    constant decay would hold on to the first weights where the training is shorter than that (the warm-up of
    TensorFlow's `ExponentialMovingAverage` with `num_updates`).
    """
    earlier = updates.double()
    return ((1 + earlier) / (10 + earlier)).clamp(max=decay)


def averaged(decay: float, average: Tensor, current: Tensor, updates: Tensor) -> Tensor:
    """The exponential average after one more step. Between equal numbers `lerp` is exact, so that what is frozen stays
    as it is to the bit, and borrowed weights may be the average's too."""
    if not average.is_floating_point():
        return current
    return average.lerp(current, (1 - decay_after(updates, decay)).to(average))


def lag(decay: float, steps: int) -> float:
    """How many steps the average lies behind the last weights in the mean, after so many steps."""
    behind = 0.0
    for each in decay_after(torch.arange(1, steps), decay).tolist():
        behind = each * (behind + 1)
    return behind
