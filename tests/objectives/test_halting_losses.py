"""Halting objectives on trajectories small enough to reckon by hand."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor

from adaptive_diffusion.objectives.halting_losses import (
    ExpectedReturn,
    GroupRelative,
    Ponder,
    QLearning,
    SolvedAtEachStep,
    log_stopping,
)
from adaptive_diffusion.objectives.trajectories import Agreement, Correct, Trajectories
from adaptive_diffusion.rules.learned_halting import stop_logit

# Two rows: right from its second step on; never right, and one step shorter.
TWO = Trajectories(
    observation=torch.zeros(2, 3, 1),
    score=torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]),
    changed=torch.tensor([[0.5, 0.0, 0.0], [0.25, 0.0, 0.0]]),
    cost=torch.tensor([[1.0, 1.0, 2.0], [1.0, 1.0, 0.0]]),
    taken=torch.tensor([[True, True, True], [True, True, False]]),
)
HALF = torch.zeros(2, 3)


def test_the_last_step_is_the_last_that_was_taken() -> None:
    assert TWO.last.tolist() == [[False, False, True], [False, True, False]]


def test_solved_at_each_step_asks_every_step_that_was_taken() -> None:
    head_output = torch.tensor([[0.0, 2.0, 0.0], [0.0, 0.0, 50.0]])
    expected = (4 * math.log(2) + math.log(1 + math.exp(-2))) / 5
    assert SolvedAtEachStep()(head_output, TWO)["solved"].item() == pytest.approx(expected, rel=1e-6)


def test_agreement_is_one_where_at_most_so_many_tokens_differ_from_the_end() -> None:
    assert Correct()(TWO) is TWO.score
    assert Agreement()(TWO).tolist() == [[0, 1, 1], [0, 1, 1]]
    assert Agreement(tolerance=0.25)(TWO).tolist() == [[0, 1, 1], [1, 1, 1]]
    for wrong in (-0.1, 1.0):
        with pytest.raises(ValueError, match="tolerance="):
            Agreement(wrong)


def test_head_of_agreement_learns_from_the_end_of_its_row_not_from_the_verifier() -> None:
    head_output = torch.tensor([[0.0, 2.0, 0.0], [0.0, 2.0, 50.0]])
    # Both rows agree with their end from the second step on, the second one although it is never right.
    expected = (3 * math.log(2) + 2 * math.log(1 + math.exp(-2))) / 5
    found = SolvedAtEachStep(Agreement())(head_output, TWO)["solved"].item()
    assert found == pytest.approx(expected, rel=1e-6)


def test_cost_aware_head_of_agreement_values_the_answer_of_the_full_budget() -> None:
    never = torch.tensor([-9.0, 0.0, 9.0]).expand(2, 3, 3)  # no row stops before its last step
    by_agreement, by_score = (
        ExpectedReturn(0.1, 0.1, 1, target)(never, TWO)["missed"].item() for target in (Agreement(), Correct())
    )
    # Forwards cost .1: four of row 0 and two of row 1, whose answer is that of the full budget and wrong.
    assert by_agreement == pytest.approx((0.4 + 0.2) / 2, abs=1e-2)
    assert by_score == pytest.approx((0.4 + 1.2) / 2, abs=1e-2)


def test_the_value_of_going_on_is_bootstrapped_from_the_next_step() -> None:
    stop = torch.tensor([[0.0, 1.0, 2.0], [0.0, -1.0, 9.0]])
    on = torch.tensor([[0.0, 0.0, 9.0], [0.0, 9.0, 9.0]], requires_grad=True)
    losses = QLearning()(torch.stack([stop, on], dim=-1), TWO)
    # After step 1 of row 0 the best is Q(stop) = σ(1), after step 2 σ(2), which is all there is at the last step, and
    # after step 1 of row 1 it is σ(−1), its last step. A logit of 0 costs log 2 against any target.
    assert losses["q_go_on"].item() == pytest.approx(math.log(2) / 2, rel=1e-6)
    losses["q_go_on"].backward()
    targets = torch.tensor([1.0, 2.0, -1.0]).sigmoid()
    assert on.grad is not None
    pulled = 0.5 - 6 * on.grad[[0, 0, 1], [0, 1, 0]]
    torch.testing.assert_close(pulled, targets)
    assert (on.grad[[0, 1, 1], [2, 1, 2]] == 0).all()


def test_the_chances_of_stopping_add_up_to_one_row_by_row() -> None:
    p = log_stopping(torch.tensor([[0.0, 1.0, 5.0], [-1.0, 0.0, 7.0]]), TWO).exp()
    first = 1 / (1 + math.exp(1))
    torch.testing.assert_close(p[1], torch.tensor([first, 1 - first, 0.0]))
    torch.testing.assert_close(p.sum(1), torch.ones(2))


def test_ponder_weighs_each_row_by_its_own_chances() -> None:
    losses = Ponder(prior=0.5, beta=1.0)(HALF, TWO)
    # Row 0 stops with 1/2, 1/4, 1/4 and is wrong in the first; row 1 is always wrong.
    assert losses["ponder"].item() == pytest.approx((1 / 2 + 1) / 2)
    # Truncated geometric: 4/7, 2/7, 1/7 and 2/3, 1/3.
    first = sum(p * math.log(p / q) for p, q in ((1 / 2, 4 / 7), (1 / 4, 2 / 7), (1 / 4, 1 / 7)))
    second = sum(p * math.log(p / q) for p, q in ((1 / 2, 2 / 3), (1 / 2, 1 / 3)))
    assert losses["ponder_kl"].item() == pytest.approx((first + second) / 2, rel=1e-5)


def test_a_ponder_loss_has_a_finite_gradient_past_the_last_step() -> None:
    head_output = HALF.clone().requires_grad_()
    sum(Ponder()(head_output, TWO).values()).backward()
    assert head_output.grad is not None
    assert head_output.grad.isfinite().all()
    assert head_output.grad[1, 1:].tolist() == [0, 0]


@pytest.mark.parametrize("price", [0.02, 0.2])
def test_what_is_missed_is_one_minus_the_expected_return_by_enumeration(price: float) -> None:
    torch.manual_seed(0)
    head_output = torch.randn(2, 3, 3)
    logit = stop_logit(head_output, torch.tensor([price]))[..., 0]
    losses = ExpectedReturn(price, price, prices=1)(head_output, TWO)
    assert losses["missed"].item() == pytest.approx(1 - _expected_reward(logit, price).item() / 2, rel=1e-5)


def test_every_price_of_the_grid_counts_the_same() -> None:
    head_output = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(1))
    objective = ExpectedReturn(0.01, 0.1, prices=3)
    alone = [ExpectedReturn(price, price, prices=1)(head_output, TWO)["missed"] for price in objective.grid.tolist()]
    torch.testing.assert_close(objective(head_output, TWO)["missed"], torch.stack(alone).sum())


def test_expected_return_has_a_finite_gradient_past_the_last_step() -> None:
    head_output = torch.zeros(2, 3, 3, requires_grad=True)
    torch.stack(list(ExpectedReturn()(head_output, TWO).values())).sum().backward()
    assert head_output.grad is not None
    assert head_output.grad.isfinite().all()
    assert (head_output.grad[1, 2] == 0).all()


def test_the_policy_gradient_is_that_of_the_expected_reward() -> None:
    torch.manual_seed(0)
    head_output = torch.tensor([[-0.5, 0.5, 0.0], [0.3, 0.0, 0.0]], requires_grad=True)
    price = 0.2
    (expected,) = torch.autograd.grad(_expected_reward(head_output, price), head_output)
    objective = GroupRelative(price=price, group=40_000)
    (found,) = torch.autograd.grad(objective(head_output, TWO)["policy"], head_output)
    torch.testing.assert_close(-2 * found, expected, atol=5e-3, rtol=0.05)


def _expected_reward(head_output: Tensor, price: float) -> Tensor:
    """Σ_rows Σ_n p_n (1[right] − price · forwards until n), by enumeration."""
    total = torch.zeros(())
    for row, step in product(range(2), range(3)):
        if TWO.taken[row, step]:
            goes = (1 - head_output[row, :step].sigmoid()).prod()
            stays = torch.ones(()) if TWO.last[row, step] else head_output[row, step].sigmoid()
            total = total + goes * stays * (TWO.score[row, step] - price * TWO.cost[row, : step + 1].sum())
    return total


def test_prices_rise_to_their_values_in_the_warm_up() -> None:
    objective = ExpectedReturn(lowest=0.1, highest=0.2, warm_up=0.5)
    assert ExpectedReturn().at(0.0) == ExpectedReturn()
    assert objective.at(0.5) is objective
    assert (objective.at(0.25).lowest, objective.at(0.25).highest) == (0.05, 0.1)
    assert objective.at(0.0).grid.min() > 0
    with pytest.raises(ValueError, match="warm_up="):
        ExpectedReturn(warm_up=2.0)


@pytest.mark.parametrize("wrong", [{"lowest": 0.0}, {"lowest": 0.2, "highest": 0.1}])
def test_prices_below_zero_or_out_of_order_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="prices from"):
        ExpectedReturn(**wrong)
    with pytest.raises(ValueError, match="prior="):
        Ponder(prior=1.0)
