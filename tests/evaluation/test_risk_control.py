"""Risk control: p-values against enumeration, and guarantees by simulation."""

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from adaptive_diffusion.evaluation.risk_control import (
    Certified,
    conformal_risk_control,
    hoeffding_bentkus,
    learn_then_test,
    made_wrong,
    quality_lost,
    queries_needed,
)

REPETITIONS, QUERIES = 2000, 400


def exact_tail(mistakes: int, queries: int, risk: Fraction) -> Fraction:
    """P(Binomial(n, δ) ≤ k) in whole numbers."""
    return sum(
        (math.comb(queries, k) * risk**k * (1 - risk) ** (queries - k) for k in range(mistakes + 1)), Fraction(0)
    )


@given(st.integers(1, 60), st.data(), st.sampled_from([Fraction(1, 100), Fraction(1, 10), Fraction(3, 10)]))
def test_p_value_is_the_smaller_bound_and_never_below_the_exact_binomial_test(
    queries: int, data: st.DataObject, risk: Fraction
) -> None:
    mistakes = data.draw(st.integers(0, queries))
    found = hoeffding_bentkus(mistakes / queries, queries, float(risk))
    tail = float(exact_tail(mistakes, queries, risk))
    share = min(Fraction(mistakes, queries), risk)
    terms = ((share, risk), (1 - share, 1 - risk))
    hoeffding = math.prod(float(of / part) ** (queries * float(part)) for part, of in terms if part)
    assert found == pytest.approx(min(1, hoeffding, math.e * tail), rel=1e-9)
    assert found >= tail * (1 - 1e-9)


def test_without_any_mistake_the_p_value_is_the_chance_of_no_mistake() -> None:
    assert hoeffding_bentkus(0.0, 50, 0.1) == pytest.approx(0.9**50)
    assert queries_needed(0.1, 0.95) == 29  # .9^29 = .0471, .9^28 = .0523
    assert hoeffding_bentkus(0.0, 29, 0.1) <= 0.05 < hoeffding_bentkus(0.0, 28, 0.1)


@pytest.mark.parametrize("risk", [0.05, 0.2])
def test_p_value_is_small_no_more_often_than_it_says(risk: float) -> None:
    """The exact probability of p ≤ α where the risk is δ, by enumeration of all counts."""
    counts = np.arange(101)
    p = np.array([hoeffding_bentkus(count / 100, 100, risk) for count in counts])
    chance = binom.pmf(counts, 100, risk)
    for level in (0.01, 0.05, 0.1, 0.5):
        assert chance[p <= level].sum() <= level


def test_losses_of_stopping_by_hand() -> None:
    full, stopped = np.array([1.0, 1.0, 0.0, 0.6]), np.array([1.0, 0.5, 1.0, 0.2])
    assert made_wrong(full, stopped).tolist() == [0, 1, 0, 0]
    assert quality_lost(full, stopped).tolist() == pytest.approx([0, 0.5, 0, 0.4])


def test_testing_ends_at_the_first_setting_that_fails() -> None:
    taken = []

    def losses() -> Iterator[np.ndarray]:
        for number, mistakes in enumerate([0, 1, 60, 0]):
            taken.append(number)
            yield np.r_[np.ones(mistakes), np.zeros(QUERIES - mistakes)]

    assert learn_then_test(losses(), 0.05, 0.95) == Certified(2, QUERIES, 1 / QUERIES)
    assert taken == [0, 1, 2]  # the harmless last setting is not reached


def test_no_setting_is_certified_on_too_few_queries() -> None:
    assert learn_then_test([np.zeros(298)], 0.01, 0.95).settings == 0
    assert learn_then_test([np.zeros(299)], 0.01, 0.95).settings == 1
    assert conformal_risk_control([np.zeros(98)], 0.01).settings == 0
    assert conformal_risk_control([np.zeros(99)], 0.01).settings == 1


def test_conformal_control_counts_the_largest_loss_of_each_query_so_far() -> None:
    first = np.r_[np.ones(3), np.zeros(96)]
    second = np.r_[np.zeros(96), np.ones(3)]  # 3 mistakes again, but of other queries: 6 together
    assert conformal_risk_control([first, second], 0.05).settings == 1
    assert conformal_risk_control([first, first], 0.05).settings == 2


def settings_of_a_rule(rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    """The true risks of settings from careful to bold, some of them out of order, and losses that are paired by query
    as those of one rule are: a query of difficulty u is made wrong where u lies below the risk."""
    risks = np.array([0.01, 0.03, 0.02, 0.06, 0.1, 0.08, 0.14, 0.3])
    difficulty = rng.random(QUERIES)
    return risks, [(difficulty < risk).astype(float) for risk in risks]


@pytest.mark.parametrize(("risk", "confidence"), [(0.1, 0.9), (0.06, 0.8)])
def test_certified_settings_break_the_promise_no_more_often_than_allowed(risk: float, confidence: float) -> None:
    rng = np.random.default_rng(0)
    broken = certified = 0
    for _ in range(REPETITIONS):
        risks, losses = settings_of_a_rule(rng)
        found = learn_then_test(losses, risk, confidence)
        certified += found.settings > 0
        broken += (risks[: found.settings] > risk).any()
    # Even if the true share of broken promises were α, more would be counted once in a thousand such tests.
    assert broken <= binom.ppf(0.999, REPETITIONS, 1 - confidence)
    assert certified > 0.95 * REPETITIONS


def test_promise_is_nearly_used_up_at_the_edge() -> None:
    """At a risk just above δ the promise is broken at a rate near α: the test above can fail."""
    rng = np.random.default_rng(1)
    losses = (rng.random((REPETITIONS, QUERIES)) < 0.1001).astype(float)
    broken = sum(learn_then_test([loss], 0.1, 0.5).settings for loss in losses)
    assert 0.1 * REPETITIONS < broken <= binom.ppf(0.999, REPETITIONS, 0.5)


def test_graded_losses_keep_the_promise_too() -> None:
    rng = np.random.default_rng(2)
    strengths = [0.02, 0.05, 0.1, 0.2]  # a loss is Beta(1/2, 1/2) with this chance, so the risk is half of it
    broken = 0
    for _ in range(REPETITIONS):
        unlucky, loss = rng.random(QUERIES), rng.beta(0.5, 0.5, QUERIES)
        found = learn_then_test([loss * (unlucky < strength) for strength in strengths], 0.05, 0.9)
        broken += found.settings == 4
    assert broken <= binom.ppf(0.999, REPETITIONS, 0.1)


def test_expected_loss_after_conformal_control_is_at_most_the_risk() -> None:
    rng = np.random.default_rng(3)
    lost = []
    for _ in range(REPETITIONS):
        risks, losses = settings_of_a_rule(rng)
        found = conformal_risk_control(losses, 0.05)
        chosen = risks[found.settings - 1] if found.settings else 0.0
        lost.append(chosen)
    spread = np.std(lost) / REPETITIONS**0.5
    assert np.mean(lost) <= 0.05 + 3 * spread
    assert np.mean(lost) > 0.01  # and bold settings are chosen


@pytest.mark.parametrize("wrong", [{"risk": 0.0}, {"risk": 1.0}, {"confidence": 1.0}])
def test_shares_outside_0_and_1_are_refused(wrong: dict) -> None:
    values = {"risk": 0.1, "confidence": 0.9} | wrong
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        learn_then_test([np.zeros(10)], **values)
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        conformal_risk_control([np.zeros(10)], 1.5)
    with pytest.raises(ValueError, match="losses of setting 1"):
        learn_then_test([np.array([2.0])], 0.1, 0.9)
