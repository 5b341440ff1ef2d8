"""Budget mode: the setting of a halting rule that spends a mean number of forwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Budgeted:
    """A setting and the mean NFE it had on the queries it was fitted to."""

    setting: float
    nfe_mean: float


def fit_to_budget(spent: Callable[[float], np.ndarray], settings: Sequence[float], budget: float) -> Budgeted:
    """The setting (a price or a threshold) of largest mean NFE within the budget.

    Args:
        spent: NFE [N] of validation queries at a setting.
        settings: those to choose among.
        budget: mean NFE.

    Raises:
        ValueError: a budget below what every setting spends.
    """
    found = [Budgeted(float(setting), float(np.mean(spent(setting)))) for setting in settings]
    within = [one for one in found if one.nfe_mean <= budget]
    if not within:
        least = min(one.nfe_mean for one in found)
        raise ValueError(f"no setting meets a budget of {budget:g} mean NFE; the least that one spends is {least:.2f}")
    return max(within, key=lambda one: one.nfe_mean)
