"""The exponential average of weights over training, with a warm-up of its decay."""

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


def decay_after(updates: Tensor, decay: float) -> Tensor:
    """The decay of updates that `updates` others came before, float64: min(decay, (1 + updates)/(10 + updates)).

    So the average reaches back over about a tenth of the training so far, and no further than 1/(1 − decay) steps; a
    constant decay would hold on to the first weights where the training is shorter than that (the warm-up of
    TensorFlow's `ExponentialMovingAverage` with `num_updates`).
    """
    earlier = updates.double()
    return ((1 + earlier) / (10 + earlier)).clamp(max=decay)


def average_in_place(decay: float, averages: list[Tensor], current: list[Tensor], updates: Tensor) -> None:
    """Moves averages, all of one device and kind, by one more step; what is no floating-point number becomes the
    current one.

    Between equal numbers the average is exact, so that what is frozen stays as it is to the bit, and borrowed weights
    may be the average's too.
    """
    if averages[0].is_floating_point():
        get_ema_multi_avg_fn(float(decay_after(updates, decay)))(averages, current, updates)
        return
    for average, now in zip(averages, current, strict=True):
        average.copy_(now)


def lag(decay: float, steps: int) -> float:
    """How many steps the average lies behind the last weights in the mean, after so many steps."""
    behind = 0.0
    for each in decay_after(torch.arange(1, steps), decay).tolist():
        behind = each * (behind + 1)
    return behind
