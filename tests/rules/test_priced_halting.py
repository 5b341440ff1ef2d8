"""Stopping weighed against going on: boundaries, and the shape of the value in the price."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_worlds import decision, prediction, sampler_state
from torch import Tensor

from adaptive_diffusion.rules.halting import RunToCompletion
from adaptive_diffusion.rules.learned_halting import CostAware, QHalting, continuation, solved_logit

NUMBERS = st.lists(st.floats(-20, 20, width=32), min_size=9, max_size=9)


def no_head(*_: Tensor) -> Tensor:
    raise AssertionError


@pytest.mark.parametrize(("stop", "on", "halts"), [(1.0, 1.0, True), (1.0, 1.001, False), (-3.0, -4.0, True)])
def test_q_halting_stops_where_stopping_is_worth_as_much(stop: float, on: float, halts: bool) -> None:
    halt_decision = QHalting(head=no_head).decide(torch.tensor([[stop, on]]))
    assert halt_decision.stop.tolist() == [halts]
    assert halt_decision.probability.tolist() == pytest.approx([1 / (1 + math.exp(-stop))])


def test_one_head_serves_every_price() -> None:
    # Right with probability 0.5 now; 0.9 after 1 + log 2 more forwards.
    head_output = torch.tensor([[0.0, math.log(9), 0.0]])
    worth = 0.4 / (1 + math.log(2))
    for price, halts in ((worth * 0.99, False), (worth * 1.01, True)):
        assert CostAware(price, no_head).decide(head_output).stop.tolist() == [halts]


def test_the_best_way_to_go_on_changes_with_the_price() -> None:
    # A sure way that takes ten forwards, and a likely one that takes about one.
    head_output = torch.tensor([[-9.0, 9.0, math.log(4), 9.0, -9.0]])
    dear, cheap = continuation(head_output, torch.tensor([0.1, 0.001]))[0].tolist()
    assert dear == pytest.approx(0.8 - 0.1, abs=0.01)
    assert cheap == pytest.approx(1.0 - 0.01, abs=0.01)


@given(NUMBERS)
def test_the_value_is_convex_in_the_price_and_never_rises(numbers: list[float]) -> None:
    head_output = torch.tensor(numbers)
    price = torch.linspace(0.001, 0.5, 40)
    value = continuation(head_output, price).maximum(solved_logit(head_output).sigmoid()).double()
    slope = value.diff()
    assert (slope <= 1e-6).all()
    assert (slope.diff() >= -1e-5).all()


@given(NUMBERS)
def test_going_on_costs_at_least_one_forward(numbers: list[float]) -> None:
    head_output = torch.tensor(numbers)
    low, high = continuation(head_output, torch.tensor([0.1, 0.2])).tolist()
    assert low - high >= 0.1 - 1e-5


@pytest.mark.parametrize("price", [0.0, -0.1])
def test_a_forward_must_cost_something(price: float) -> None:
    with pytest.raises(ValueError, match="a forward must cost something"):
        CostAware(price, no_head)


def test_a_priced_rule_asks_its_head_with_what_recorded_rollouts_hold() -> None:
    state = sampler_state([[9, 9]])
    names = ("argmax", "confidence", "margin", "current_token_probability", "entropy")
    head_output = prediction((1, 2), **{name: torch.zeros(1, 2) for name in names})
    shown = []

    def head(hidden: Tensor, summaries: Tensor, editable: Tensor) -> Tensor:
        shown.append((hidden.shape, summaries.shape, editable.shape))
        return torch.tensor([[9.0, -9.0, 0.0]])

    rule = CostAware(head=head)
    assert rule(state, head_output, decision(state)).stop.tolist() == [True]
    assert shown == [((1, 2, 1), (1, 2, 10), (1, 2))]
    assert rule.logit_statistics() == RunToCompletion().logit_statistics()
    assert rule.reads_committed
