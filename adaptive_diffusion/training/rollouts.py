"""Rollouts: trajectories of a sampler recorded once, past every halting point, for every halting objective."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.step_summaries import STAYS_OPEN, SUMMARIES, step_summaries
from adaptive_diffusion.core.tensor_files import tensors_written
from adaptive_diffusion.models.halting_head import observe
from adaptive_diffusion.objectives.trajectories import Trajectories
from adaptive_diffusion.rules.halting_trials import HaltingTrials
from adaptive_diffusion.rules.learned_halting import HeadHalting
from adaptive_diffusion.sampling.sampler import Observer, Sampler
from adaptive_diffusion.sampling.step import Step
from adaptive_diffusion.tasks.task import Task


@dataclass(frozen=True)
class Rollouts:
    """N trajectories, packed: S steps in all, those of a row together and in order.

    A trajectory ends where no further forward could change the row, or at the step limit; then the answer stays.

    Attributes:
        query: [N] int64 ids.
        steps: [N] int64, how many steps each row has.
        observation: [S, F], the inputs of a halting head.
        score: [S] float32 in [0, 1], the task's score of the answer if the row stops after this step; 1 is right.
        changed: [S] float32 in [0, 1], the share of that answer's tokens that differ from the answer at the row's end.
        cost: [S] float32, forwards the step took.
        difficulty: [N] float32.
        stops: [S, M] bool, which of the M halting rules that were tried would stop the row after this step.
    """

    query: Tensor
    steps: Tensor
    observation: Tensor
    score: Tensor
    changed: Tensor
    cost: Tensor
    difficulty: Tensor
    stops: Tensor

    def __len__(self) -> int:
        return len(self.query)

    @property
    def solved(self) -> Tensor:
        """[S] bool, whether the answer is right if the row stops after this step."""
        return self.score >= 1

    @property
    def complete(self) -> Tensor:
        """[S] bool, steps before or after which every position is committed, and the last one of each row."""
        largest = self.observation[:, SUMMARIES : 2 * SUMMARIES]  # of each summary the least comes first, then this
        full = largest[:, STAYS_OPEN] == 0
        before = full.roll(1)
        before[self.first] = False
        found = full | before
        found[self.first + self.steps - 1] = True
        return found

    @cached_property
    def first(self) -> Tensor:
        """[N] where each row's steps begin."""
        return self.steps.cumsum(0) - self.steps

    def batch(self, rows: Tensor) -> Trajectories:
        """The trajectories of some rows, padded to the longest of them."""
        step = torch.arange(int(self.steps[rows].max()))
        taken = step < self.steps[rows, None]
        at = (self.first[rows, None] + step).where(taken, self.first[rows, None])
        score, changed, cost = (value[at] * taken for value in (self.score, self.changed, self.cost))
        return Trajectories(self.observation[at].float(), score, changed, cost, taken)

    def padded(self, value: Tensor) -> Tensor:
        """[N, T] from packed [S]; what holds at a row's last step holds on."""
        step = torch.arange(int(self.steps.max())).expand(len(self), -1)
        return value[self.first[:, None] + step.minimum(self.steps[:, None] - 1)]

    def halted(self, rule: HeadHalting, head_output: Tensor) -> tuple[Tensor, Tensor]:
        """Where a rule stops each row [N] int64, 1 to its number of steps, and the probability it gives there [N], from
        its head's outputs at every step [S, …]. It is the sampler's own rule, applied to all steps at once."""
        halt_decision = rule.decide(head_output)
        steps = self.stopped(halt_decision.stop)
        assert halt_decision.probability is not None
        return steps, halt_decision.probability[self.first + steps - 1]

    def stopped(self, stop: Tensor) -> Tensor:
        """[N] int64, the step of each row after which `stop` [S] is first true; its last one where it never is."""
        padded = self.padded(stop)
        return torch.where(padded.any(1), padded.int().argmax(1) + 1, self.steps).minimum(self.steps)

    def spent(self, steps: Tensor) -> Tensor:
        """[N] forwards of each row up to a number of its steps [N]."""
        total = self.cost.double().cumsum(0)
        return total[self.first + steps - 1] - total[self.first] + self.cost[self.first]

    def save(self, path: Path) -> None:
        """Writes a safetensors file."""
        with tensors_written(path):
            save_file({item.name: getattr(self, item.name).contiguous() for item in fields(self)}, path)

    @classmethod
    def load(cls, path: Path) -> "Rollouts":
        """Raises `ValueError` for a file that holds no rollouts."""
        try:
            stored = load_file(path)
        except SafetensorError as error:
            raise ValueError(f"{path} is damaged or no safetensors file: {error}; record it again") from error
        names = [item.name for item in fields(cls)]
        if set(stored) != set(names):
            raise ValueError(f"{path} holds {sorted(stored)}, not the parts of rollouts; record them again")
        return cls(**stored)


class RolloutRecorder:
    """An observer of the loop that records a halting head's inputs at every step and the score of stopping there."""

    def __init__(self, batch: Batch, positions: int = 0):
        self.batch, self.positions = batch, positions
        self.order, self.place = batch.queries.ids.sort()
        self.parts: list[tuple[Tensor, ...]] = []

    def __call__(self, step: Step) -> None:
        live = step.before.running.nonzero()[:, 0]
        before = step.before.take(live)
        place = self.place[torch.searchsorted(self.order, before.query.to(self.order.device))]
        answer = step.answer[live]
        score = self.batch.take(place).score(answer.to(self.order.device))
        summaries = step_summaries(step.before, step.prediction, step.decision)
        hidden = step.prediction.evaluation.hidden
        observation = observe(hidden, summaries, step.before.editable, self.positions)[live]
        cost = step.after.nfe[live] - before.nfe
        written = answer.masked_fill(~before.editable, OPEN).to(torch.int32)
        stops = HaltingTrials.decisions(step.halt_decision)[live]
        self.parts.append((before.query, before.steps_taken, observation, score, written, cost.float(), stops))

    def result(self, difficulty: Tensor) -> Rollouts:
        """The rows in the order of their ids; `difficulty` [N] in that order."""
        query, step, *columns = (torch.cat(part).cpu() for part in zip(*self.parts, strict=True))
        order = (torch.searchsorted(self.order.cpu(), query) * (int(step.max()) + 1) + step).argsort()
        rows, steps = query[order].unique_consecutive(return_counts=True)
        observation, score, written, cost, stops = (column[order] for column in columns)
        return Rollouts(rows, steps, observation, score, share_changed(written, steps), cost, difficulty, stops)


def share_changed(written: Tensor, steps: Tensor) -> Tensor:
    """[S] float32, the share of each step's editable tokens that differ from those of the row's last step.

    Args:
        written: [S, L], answers after each step, `OPEN` at positions that are not editable.
        steps: [N], how many steps each row has.
    """
    last = written[steps.cumsum(0) - 1].repeat_interleave(steps, 0)
    return (written != last).sum(1) / (written != OPEN).sum(1).clamp(min=1)


def check_recordable(sampler: Sampler, tried: Sequence[Halting] = ()) -> None:
    """Refuses a sampler that gives the best of several tries, which are no one trajectory (`sampling.restart`), and
    rules to be tried on a sampler with blocks, where a stop would not end the answer.

    Raises:
        ValueError: such a sampler.
    """
    if tried and sampler.block_length is not None:
        raise ValueError(
            f"rules are tried on trajectories without blocks; this sampler has {sampler.block_length=}. Set it to null "
            "or try no rule"
        )
    if sampler.one_try is not sampler:
        raise ValueError(
            f"{type(sampler).__name__} gives the best of several tries, so there is no one trajectory to be recorded "
            "past its halting; take the sampler of a single try"
        )


def record(
    sampler: Sampler,
    batch: Batch,
    difficulty: Tensor | None = None,
    seed: int = 0,
    slots: int = 256,
    max_steps: int | None = None,
    tried: Sequence[Halting] = (),
    observers: Sequence[Observer] = (),
    positions: int = 0,
) -> Rollouts:
    """Samples all queries with halting off and records every step, without gradient.

    Args:
        sampler: answers the queries; its halting rule is not used.
        batch: N problems with their scoring.
        difficulty: [N]; 0 where it is not known.
        seed: keys all randomness, as in `Sampler.sample`.
        slots: sequences forwarded at once.
        max_steps: a row that takes longer is cut there.
        tried: M halting rules, whose decisions are recorded too. Answers are those of filling in what is open.
        observers: further observers of the loop, such as `AnswersByStep`.
        positions: how many positions an observation has singly, for heads that attend to them.

    Raises:
        ValueError: as `check_recordable`.
    """
    check_recordable(sampler, tried)
    recorder = RolloutRecorder(batch, positions)
    queries = batch.queries
    complete = replace(sampler, halting=HaltingTrials(tuple(tried)))
    complete.sample(queries, seed=seed, slots=slots, max_steps=max_steps, observers=[recorder, *observers])
    difficulty = torch.zeros(len(queries)) if difficulty is None else difficulty.float().cpu()
    return recorder.result(difficulty[queries.ids.cpu().argsort()])


def scored(task: Task, problems: Any) -> Batch:
    """Problems as a batch for `record`: answers are scored by the task, and no right answer needs to be known."""
    queries = task.queries(problems)
    return Batch(queries, queries.tokens, problems, task.score)
