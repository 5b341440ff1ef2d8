"""Stopping weighed against going on: boundaries, and the price from which stopping pays."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_worlds import decision, prediction, sampler_state
from torch import Tensor

from adaptive_diffusion.rules.halting import RunToCompletion
from adaptive_diffusion.rules.learned_halting import CostAware, QHalting, critical_price, stop_logit


def no_head(*_: Tensor) -> Tensor:
    raise AssertionError


@pytest.mark.parametrize(("stop", "on", "halts"), [(1.0, 1.0, True), (1.0, 1.001, False), (-3.0, -4.0, True)])
def test_q_halting_stops_where_stopping_is_worth_as_much(stop: float, on: float, halts: bool) -> None:
    halt_decision = QHalting(head=no_head).decide(torch.tensor([[stop, on]]))
    assert halt_decision.stop.tolist() == [halts]
    assert halt_decision.probability.tolist() == pytest.approx([1 / (1 + math.exp(-stop))])


@given(st.floats(-6, 6, width=32), st.floats(-6, 6, width=32), st.floats(1e-4, 1))
def test_one_head_serves_every_price(first: float, sharpness: float, price: float) -> None:
    head_output = torch.tensor([[first, 0.0, sharpness]])
    critical = critical_price(head_output)
    assert critical.tolist() == pytest.approx([0.01 * math.exp(-first)])
    halt_decision = CostAware(price, no_head).decide(head_output)
    assert halt_decision.stop.tolist() == [critical.item() <= price]
    assert halt_decision.seen["critical_price"].equal(critical)


@given(st.floats(-6, 6, width=32), st.floats(-6, 6, width=32))
def test_stopping_grows_likelier_with_the_price_and_is_even_at_the_critical_one(first: float, sharpness: float) -> None:
    head_output = torch.tensor([first, 0.0, sharpness])
    critical = critical_price(head_output)
    low, even, high = stop_logit(head_output, critical * torch.tensor([0.5, 1.0, 2.0])).tolist()
    assert low < 0 < high
    assert even == pytest.approx(0, abs=1e-4)


def test_rule_gives_the_probability_of_a_right_answer() -> None:
    halt_decision = CostAware(0.01, no_head).decide(torch.tensor([[0.0, math.log(3), 0.0]]))
    assert halt_decision.probability is not None
    assert halt_decision.probability.tolist() == pytest.approx([0.75])


@pytest.mark.parametrize("shape", [(2,), (2, 2), (2, 13)])
def test_head_of_another_objective_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="ExpectedReturn"):
        CostAware(0.01, no_head).decide(torch.zeros(shape))


@pytest.mark.parametrize("price", [0.0, -0.1])
def test_a_forward_must_cost_something(price: float) -> None:
    with pytest.raises(ValueError, match="a forward must cost something"):
        CostAware(price, no_head)


def test_a_priced_rule_gives_its_head_what_recorded_rollouts_hold() -> None:
    state = sampler_state([[9, 9]])
    names = ("argmax", "confidence", "margin", "current_token_probability", "entropy")
    made_prediction = prediction((1, 2), **{name: torch.zeros(1, 2) for name in names})
    shown = []

    def head(hidden: Tensor, summaries: Tensor, editable: Tensor) -> Tensor:
        shown.append((hidden.shape, summaries.shape, editable.shape))
        return torch.tensor([[9.0, -9.0, 0.0]])

    rule = CostAware(head=head)
    assert rule(state, made_prediction, decision(state)).stop.tolist() == [True]
    assert shown == [((1, 2, 1), (1, 2, 10), (1, 2))]
    assert rule.logit_statistics() == RunToCompletion().logit_statistics()
    assert rule.reads_committed
