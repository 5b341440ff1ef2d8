"""Slots: which query has which slot, and what it costs."""

from dataclasses import dataclass

import torch
from small_worlds import oracle, random_queries

from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import HaltDecision
from adaptive_diffusion.rules.order import Random
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.slots import frozen


@dataclass(frozen=True)
class ById(Halting):
    """Query i stops after `steps[i]` steps."""

    steps: tuple[int, ...]

    def __call__(self, state, prediction, decision):
        return HaltDecision(state.step + 1 >= torch.tensor(self.steps)[state.query])


class Watch:
    """How many rows were forwarded and how many of them still ran, step by step."""

    def __init__(self):
        self.forwarded, self.running = [], []

    def __call__(self, step):
        self.forwarded.append(len(step.before.tokens))
        self.running.append(int(step.before.running.sum()))


def watched(steps, slots, n=1, **options):
    watch, queries = Watch(), random_queries(len(steps), 4, 3, given=0.0)
    sampler = Sampler(oracle(3, 4), order=Random(), halting=ById(tuple(steps)))
    result = sampler.sample(queries, n=n, slots=slots, observers=[watch], **options)
    assert sum(watch.running) == int(result.nfe.sum())
    assert sum(watch.forwarded) == result.rows_forwarded
    return watch, result


def test_a_halted_row_leaves_its_slot_to_a_waiting_query():
    watch, result = watched([1, 3, 1, 1, 1], slots=2)
    # slot 0: queries 0, 2, 3; slot 1: query 1 for three steps, then query 4 takes the slot that 1 or 3 leaves
    assert watch.forwarded == [2, 2, 2, 1]
    assert watch.running == [2, 2, 2, 1]
    assert result.nfe.tolist() == [1, 3, 1, 1, 1]


def test_while_queries_wait_every_slot_works():
    steps = [1 + i % 4 for i in range(50)]
    watch, _ = watched(steps, slots=8)
    assert watch.forwarded[:-4] == watch.running[:-4] == [8] * (len(watch.running) - 4)  # 4 steps empty the last slots
    total = sum(steps)
    assert total <= sum(watch.forwarded) < total * 1.1


def test_with_an_empty_queue_the_batch_shrinks_by_powers_of_two():
    watch, _ = watched([1] * 5 + [2] * 2 + [4], slots=8)
    assert watch.forwarded == [8, 4, 1, 1]
    assert watch.running == [8, 3, 1, 1]


def test_the_frozen_loop_forwards_everybody_until_the_slowest_is_done():
    watch, result = watched([1, 4, 2, 2, 3], slots=2, loop=frozen)
    assert watch.forwarded == [2, 2, 2, 2, 2, 2, 1, 1, 1]
    assert watch.running == [2, 1, 1, 1, 2, 2, 1, 1, 1]
    assert result.nfe.tolist() == [1, 4, 2, 2, 3]


def test_with_more_slots_than_queries_only_the_queries_are_forwarded():
    watch, _ = watched([2, 2, 2], slots=256)
    assert watch.forwarded == [3, 3]


def test_variations_get_neighbouring_slots():
    watch, result = watched([2, 1], slots=3, n=3)
    assert result.query.tolist() == [0, 0, 0, 1, 1, 1]
    assert result.nfe.tolist() == [2, 2, 2, 1, 1, 1]
    assert watch.forwarded == [3, 3, 3]
