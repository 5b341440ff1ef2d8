"""Fitted stopping against the known optimum of a small Markov problem."""

from functools import partial
from itertools import product

import pytest
import torch
from lightning.pytorch import seed_everything
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from adaptive_diffusion.models.halting_head import TrajectoryHaltingHead
from adaptive_diffusion.objectives.halting_losses import ExpectedReturn, HaltingObjective
from adaptive_diffusion.rules.learned_halting import critical_price, solved_logit
from adaptive_diffusion.training.halting_head_module import HaltingHeadModule, RolloutBatches, fit
from adaptive_diffusion.training.rollouts import Rollouts

# Three states of an answer, poor, fair and good; four steps; P(right if stopped) of each state.
MOVES = torch.tensor([[0.5, 0.4, 0.1], [0.1, 0.6, 0.3], [0.0, 0.1, 0.9]])
RIGHT = torch.tensor([0.1, 0.5, 0.95])
STEPS, STATES = 4, 3
PRICES = (0.01, 0.03, 0.1, 0.2)


def known_critical_price(step: int, state: int) -> float:
    """The price at which stopping and going on are worth the same, by dynamic programming and bisection."""
    low, high = 1e-6, 1.0
    for _ in range(60):
        price = (low * high) ** 0.5
        value = RIGHT
        for _ in range(STEPS - 2 - step):
            value = torch.maximum(RIGHT, MOVES @ value - price)
        goes_on = (MOVES[state] @ value - price) > RIGHT[state]
        low, high = (price, high) if goes_on else (low, price)
    return low


def shown(step: Tensor, state: Tensor) -> Tensor:
    """The observation [..., 13]: one place a step and state, and one that never varies."""
    return torch.nn.functional.one_hot(step * STATES + state, STEPS * STATES + 1).float()


def problem(rows: int = 40_000, seed: int = 0) -> Rollouts:
    generator = torch.Generator().manual_seed(seed)
    states = [torch.randint(STATES, (rows,), generator=generator)]
    for _ in range(STEPS - 1):
        states.append(torch.multinomial(MOVES[states[-1]], 1, generator=generator)[:, 0])
    state = torch.stack(states, dim=1).flatten()
    step = torch.arange(STEPS).repeat(rows)
    solved = torch.rand(len(state), generator=generator) < RIGHT[state]
    number = torch.arange(rows)
    cost = torch.ones(len(state))
    steps, changed = torch.full_like(number, STEPS), torch.zeros(len(state))
    tried = torch.zeros(len(state), 0, dtype=torch.bool)
    return Rollouts(number, steps, shown(step, state), solved.float(), changed, cost, torch.zeros(rows), tried)


def fitted(objective: HaltingObjective, rollouts: Rollouts, steps: int = 200) -> TrajectoryHaltingHead:
    seed_everything(0, verbose=False)
    head = TrajectoryHaltingHead(2, objective.outputs, summaries=2, changes=0, inner=32)
    head.fit_scale(rollouts.observation)
    optimizer, scheduler = partial(AdamW, lr=2e-2, weight_decay=0.0), partial(CosineAnnealingLR, T_max=steps)
    module = HaltingHeadModule(head, objective, steps, optimizer, scheduler)
    return fit(module, RolloutBatches(rollouts, rows=2048))


@pytest.fixture(scope="module")
def head_output() -> Tensor:
    """What the fitted head predicts at every step and state, [T, S, outputs]."""
    head = fitted(ExpectedReturn(lowest=0.005, highest=0.3), problem())
    step, state = torch.meshgrid(torch.arange(STEPS), torch.arange(STATES), indexing="ij")
    with torch.no_grad():
        return head.predict(shown(step, state))


def test_losses_stand_in_the_progress_bar() -> None:
    objective = ExpectedReturn(lowest=0.005, highest=0.3)
    head = TrajectoryHaltingHead(2, objective.outputs, summaries=2, changes=0, inner=4)
    module = HaltingHeadModule(head, objective, steps=1)
    fit(module, RolloutBatches(problem(rows=8), rows=8))
    assert module.trainer.progress_bar_metrics
    assert all(name.startswith("train/") for name in module.trainer.progress_bar_metrics)


def test_the_head_learns_how_often_each_state_is_right(head_output: Tensor) -> None:
    assert (solved_logit(head_output).sigmoid() - RIGHT).abs().max() < 0.03


@pytest.mark.parametrize("price", PRICES)
def test_the_head_stops_where_the_known_optimum_does(head_output: Tensor, price: float) -> None:
    critical = critical_price(head_output)
    for step, state in product(range(STEPS - 1), range(STATES)):
        known = known_critical_price(step, state)
        if not 0.8 < known / price < 1.25:  # next to the boundary both are worth the same
            assert (critical[step, state] <= price) == (known <= price), (step, state, known)
