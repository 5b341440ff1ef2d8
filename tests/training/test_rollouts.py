"""Recorded rollouts are the sampler's own trajectories, past where any rule would stop."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.step_summaries import STAYS_OPEN, SUMMARIES
from adaptive_diffusion.models.halting_head import TrajectoryHaltingHead
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.positions import LearnedPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.rules.gain import LikelihoodGain
from adaptive_diffusion.rules.halting import AnswerProbability, MaxSteps, RunToCompletion, StableAndConfident
from adaptive_diffusion.rules.learned_halting import CostAware, LearnedHalting
from adaptive_diffusion.rules.pace import Threshold
from adaptive_diffusion.sampling.restart import Restart
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.training.answers_by_step import AnswersByStep
from adaptive_diffusion.training.rollouts import Rollouts, record, share_changed

QUERIES = 40


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    torch.manual_seed(0)
    trunk = TransformerDenoiser(4, LearnedPositions.grid(4, 4, 2, 2), width=32, depth=1, heads=2)
    return Sampler(DenoiserWithHeads(trunk).eval(), pace=Threshold(0.4))


@pytest.fixture(scope="module")
def queries() -> Queries:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randperm(QUERIES, generator=generator)  # out of order, so that the order is put right
    tokens = torch.randint(0, 4, (QUERIES, 16), generator=generator)
    return Queries(ids, tokens, torch.rand(QUERIES, 16, generator=generator) < 0.7)


@pytest.fixture(scope="module")
def rollouts(sampler: Sampler, queries: Queries) -> Rollouts:
    return record(sampler, Batch(queries, truth(sampler, queries)), queries.ids.float(), slots=16)


def truth(sampler: Sampler, queries: Queries) -> torch.Tensor:
    """What the plain sampler ends with, for half of the queries; something else for the others."""
    answers = sampler.sample(queries, slots=16).answers
    return torch.where((torch.arange(QUERIES) % 2 == 0)[:, None], answers, (answers + 1) % 4)


def eager(outputs: int) -> TrajectoryHaltingHead:
    torch.manual_seed(4)
    head = TrajectoryHaltingHead(32, outputs, inputs=("summaries", "change", "hidden"), init_bias=0.0)
    torch.nn.init.normal_(head.map[-1].weight, std=3.0)
    return head.eval()


def test_rows_come_in_the_order_of_their_ids_and_run_to_their_end(
    rollouts: Rollouts, sampler: Sampler, queries: Queries
) -> None:
    plain = replace(sampler, halting=RunToCompletion()).sample(queries)
    by_id = queries.ids.argsort()
    assert rollouts.query.tolist() == list(range(QUERIES)) == rollouts.difficulty.tolist()
    assert torch.equal(rollouts.steps, plain.nfe[by_id])
    assert len(rollouts.observation) == len(rollouts.solved) == len(rollouts.cost) == int(plain.nfe.sum())
    assert (rollouts.cost == 1).all()


def test_solved_is_what_stopping_after_each_step_would_give(
    rollouts: Rollouts, sampler: Sampler, queries: Queries
) -> None:
    right = truth(sampler, queries)
    solved = rollouts.padded(rollouts.solved)
    for steps in range(1, int(rollouts.steps.max()) + 1):
        answers = replace(sampler, halting=MaxSteps(steps)).sample(queries).answers
        assert torch.equal(solved[:, steps - 1], (answers == right).all(1)[queries.ids.argsort()]), steps


def test_changed_is_the_share_of_editable_tokens_that_differ_from_the_full_budget(
    rollouts: Rollouts, sampler: Sampler, queries: Queries
) -> None:
    end = replace(sampler, halting=RunToCompletion()).sample(queries).answers
    changed = rollouts.padded(rollouts.changed)
    editable = queries.editable.sum(1).clamp(min=1)
    for steps in range(1, int(rollouts.steps.max()) + 1):
        answers = replace(sampler, halting=MaxSteps(steps)).sample(queries).answers
        share = (answers != end).sum(1) / editable
        torch.testing.assert_close(changed[:, steps - 1], share[queries.ids.argsort()])
    assert 0 < changed[:, 0].mean() < 1


def test_share_changed_by_hand() -> None:
    # One row of two steps with three editable positions, one row of a single step.
    written = torch.tensor([[1, 2, OPEN, 3], [1, 0, OPEN, 0], [4, 4, 4, OPEN]])
    assert share_changed(written, torch.tensor([2, 1])).tolist() == pytest.approx([2 / 3, 0, 0])


@pytest.mark.parametrize(
    "rule", [LearnedHalting(0.6, eager(1)), CostAware(0.01, eager(3)), CostAware(0.1, eager(3))], ids=str
)
def test_a_rule_halts_on_rollouts_where_the_sampler_halts(
    rule: LearnedHalting | CostAware, rollouts: Rollouts, sampler: Sampler, queries: Queries
) -> None:
    assert isinstance(rule.head, TrajectoryHaltingHead)
    with torch.no_grad():
        steps, _ = rollouts.halted(rule, rule.head.predict(rollouts.observation))
        really = replace(sampler, halting=rule).sample(queries)
    assert torch.equal(steps, really.nfe[queries.ids.argsort()])
    assert len(steps.unique()) > 1


TRIED = (
    AnswerProbability(0.001),
    AnswerProbability(0.05),
    StableAndConfident(1, 1.0),
    LikelihoodGain(0.1),
    MaxSteps(3),
)


def test_rule_that_is_tried_stops_where_the_sampler_would_stop(sampler: Sampler, queries: Queries) -> None:
    batch = Batch(queries, truth(sampler, queries))
    found = record(sampler, batch, slots=16, tried=TRIED)
    for number, rule in enumerate(TRIED):
        really = replace(sampler, halting=rule).sample(queries)
        steps = found.stopped(found.stops[:, number])
        assert torch.equal(steps, really.steps[queries.ids.argsort()]), rule
    plain = record(sampler, batch, slots=16)
    assert plain.stops.shape == (len(plain.score), 0)
    assert torch.equal(plain.observation, found.observation)


def test_rules_are_not_tried_in_blocks(sampler: Sampler, queries: Queries) -> None:
    with pytest.raises(ValueError, match="without blocks"):
        record(replace(sampler, block_length=4), Batch(queries, queries.tokens), tried=TRIED)


def test_tries_are_no_trajectory_to_be_recorded(sampler: Sampler, queries: Queries) -> None:
    with pytest.raises(ValueError, match="Restart gives the best of several tries"):
        record(Restart(sampler), Batch(queries, queries.tokens))  # type: ignore[arg-type]


def test_a_batch_is_padded_to_its_longest_row(rollouts: Rollouts) -> None:
    rows = torch.tensor([5, 2])
    batch = rollouts.batch(rows)
    assert batch.taken.sum(1).tolist() == rollouts.steps[rows].tolist()
    assert batch.taken.shape[1] == int(rollouts.steps[rows].max())
    for row, number in enumerate(rows.tolist()):
        first, steps = int(rollouts.first[number]), int(rollouts.steps[number])
        assert torch.equal(batch.score[row, :steps], rollouts.score[first : first + steps])
        assert torch.equal(batch.observation[row, :steps], rollouts.observation[first : first + steps])


def test_rollouts_are_equal_after_saving_and_loading(rollouts: Rollouts, tmp_path: Path) -> None:
    rollouts.save(tmp_path / "some.safetensors")
    again = Rollouts.load(tmp_path / "some.safetensors")
    assert all(torch.equal(value, getattr(again, name)) for name, value in vars(again).items())


def test_answers_by_step_are_those_of_the_sampler_stopped_there(sampler: Sampler, queries: Queries):
    steps = AnswersByStep()
    batch = Batch(queries, torch.zeros_like(queries.tokens))
    rollouts = record(sampler, batch, slots=16, observers=[steps])
    answers = steps.packed()
    for most in (1, 2, 5):
        stopped = replace(sampler, halting=MaxSteps(most)).sample(queries, slots=16)
        after = rollouts.steps.clamp(max=most)
        in_order = queries.ids.argsort()  # the rollouts are in the order of the ids
        assert answers[rollouts.first + after - 1].equal(stopped.answers[in_order])


def test_complete_steps_by_hand() -> None:
    """Rows of four and two steps. Complete: nothing stays open after the step or before it, or the row ends there."""
    observation = torch.zeros(6, 2 * SUMMARIES)
    observation[:, SUMMARIES + STAYS_OPEN] = torch.tensor([1.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    steps, nothing = torch.tensor([4, 2]), torch.zeros(6)
    rows = torch.arange(2)
    found = Rollouts(rows, steps, observation, nothing, nothing, nothing, torch.zeros(2), torch.zeros(6, 0).bool())
    assert found.complete.tolist() == [False, True, True, True, False, True]
