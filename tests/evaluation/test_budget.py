"""A budget fitted on some queries holds for others of their kind."""

import numpy as np
import pytest

from adaptive_diffusion.evaluation.budget import fit_to_budget

THRESHOLDS = tuple(np.linspace(0.05, 0.999, 200))


def spender(seed: int, queries: int = 4000):
    """Queries whose chance of being right rises by its own rate; a row stops when it reaches the threshold."""
    rate = np.random.default_rng(seed).gamma(4.0, 0.25, queries)
    return lambda threshold: np.minimum(20, np.ceil(np.log(threshold / (1 - threshold) + 2) / rate + 1))


@pytest.mark.parametrize("budget", [3.0, 5.0, 8.0])
def test_the_budget_holds_on_queries_it_was_not_fitted_to(budget: float) -> None:
    fitted = fit_to_budget(spender(0), THRESHOLDS, budget)
    spent = spender(1)(fitted.setting)
    error = 3 * spent.std() / len(spent) ** 0.5 + 3 * spent.std() / 4000**0.5
    assert fitted.nfe_mean <= budget
    assert abs(spent.mean() - fitted.nfe_mean) < error
    assert spent.mean() > 0.9 * budget - error  # and it is used


def test_of_all_settings_within_the_budget_the_one_that_spends_most_is_taken() -> None:
    spends = {0.1: 2.0, 0.2: 4.0, 0.3: 3.0, 0.4: 5.0}
    fitted = fit_to_budget(lambda setting: np.array([spends[setting]]), list(spends), 4.5)
    assert (fitted.setting, fitted.nfe_mean) == (0.2, 4.0)


def test_a_budget_below_everything_is_refused_with_the_least_there_is() -> None:
    with pytest.raises(ValueError, match=r"the least that one spends is 2\.00"):
        fit_to_budget(lambda price: np.array([2.0]), (0.01, 0.1), 1.5)
