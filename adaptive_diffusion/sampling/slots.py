"""Slots: halted rows leave the batch and waiting queries take their places (continuous batching).

A loop yields every step it makes. Its answers are the same as the plain loop's; only who shares a forward differs.
"""

from collections.abc import Callable, Iterator

import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.sampling.faults import careful_step
from adaptive_diffusion.sampling.recipe import Recipe
from adaptive_diffusion.sampling.step import Step

Loop = Callable[[Recipe, Queries, int, int, int, int], Iterator[Step]]


class Waiting:
    """The queue: N queries, n variations each, seated in order. Rows with nothing to write are never seated."""

    def __init__(self, sampler: Recipe, queries: Queries, n: int, seed: int):
        self.sampler, self.queries, self.n, self.seed = sampler, queries, n, seed
        self.work = queries.editable.any(1).nonzero()[:, 0].repeat_interleave(n)
        self.variation = torch.arange(n, device=self.work.device).repeat(len(self.work) // n)
        self.next = 0

    def __len__(self) -> int:
        return len(self.work) - self.next

    def take(self, count: int) -> SamplerState:
        """Fresh canvases for the next `count` rows of the queue."""
        chosen = slice(self.next, self.next + count)
        self.next += count
        index = self.work[chosen]
        return self.sampler.begin(self.queries.repeat(index), self.variation[chosen], self.seed)


def continuous(sampler: Recipe, queries: Queries, n: int, seed: int, slots: int, max_steps: int) -> Iterator[Step]:
    """Refill at every step; once nobody waits, the batch shrinks by powers of two."""
    waiting = Waiting(sampler, queries, n, seed)
    if not len(waiting):
        return
    state = waiting.take(min(slots, len(waiting)))
    while True:
        done = careful_step(sampler, state, max_steps)
        yield done
        state = done.after
        free = (~state.running).nonzero()[:, 0]
        seats = free[: len(waiting)]
        if len(seats):
            state = state.put(seats, waiting.take(len(seats)))
        busy = len(state.tokens) - len(free) + len(seats)
        if busy == 0:
            return
        size = 1 << (busy - 1).bit_length()
        if size < len(state.tokens):
            # Running rows first, in their order; halted ones only fill up to the power of two.
            state = state.take((~state.running).long().sort(stable=True).indices[:size])


def frozen(sampler: Recipe, queries: Queries, n: int, seed: int, slots: int, max_steps: int) -> Iterator[Step]:
    """Batch after batch, finished rows forwarded along until the slowest is done: the usual loop, as the baseline."""
    waiting = Waiting(sampler, queries, n, seed)
    while len(waiting):
        state = waiting.take(min(slots, len(waiting)))
        while state.running.any():
            done = careful_step(sampler, state, max_steps)
            yield done
            state = done.after
