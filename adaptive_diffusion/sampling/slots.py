"""Slots: halted rows leave the batch and waiting queries take their places (continuous batching).

A loop yields every step it makes. Its answers are the same as the plain loop's; only who shares a forward differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.sampling.faults import step_isolating_faults
from adaptive_diffusion.sampling.reuse import LastEvaluation
from adaptive_diffusion.sampling.step import Step

if TYPE_CHECKING:
    from adaptive_diffusion.sampling.sampler import Sampler

Loop = Callable[["Sampler", Queries, int, int, int, int], Iterator[Step]]


class RequestQueue:
    """The queue: N queries, n variations each, in order. Rows with nothing to write are left out."""

    def __init__(self, sampler: Sampler, queries: Queries, n: int, seed: int):
        self.sampler, self.queries, self.n, self.seed = sampler, queries, n, seed
        self.work = queries.editable.any(1).nonzero()[:, 0].repeat_interleave(n)
        self.variation = torch.arange(n, device=self.work.device).repeat(len(self.work) // n)
        self.next = 0

    def __len__(self) -> int:
        return len(self.work) - self.next

    def take(self, count: int) -> SamplerState:
        """Batch sequences for the next `count` rows of the queue."""
        chosen = slice(self.next, self.next + count)
        self.next += count
        index = self.work[chosen]
        return self.sampler.begin(self.queries.take(index), self.variation[chosen], self.seed)


def continuous(sampler: Sampler, queries: Queries, n: int, seed: int, slots: int, max_steps: int) -> Iterator[Step]:
    """Refill at every step; once the queue is empty, the batch shrinks by powers of two."""
    queue = RequestQueue(sampler, queries, n, seed)
    if not len(queue):
        return
    state, last = queue.take(min(slots, len(queue))), None
    while True:
        done = step_isolating_faults(sampler, state, max_steps, last)
        yield done
        state, last = done.after, LastEvaluation.of(sampler.denoiser, done)
        free = (~state.running).nonzero()[:, 0]
        refilled = free[: len(queue)]
        if len(refilled):
            state = state.put(refilled, queue.take(len(refilled)))
        busy = len(state.tokens) - len(free) + len(refilled)
        if busy == 0:
            return
        size = 1 << (busy - 1).bit_length()
        if size < len(state.tokens):
            # Running rows first, in their order; halted ones only fill up to the power of two.
            order = (~state.running).long().sort(stable=True).indices[:size]
            state, last = state.take(order), None if last is None else last.take(order)


def frozen(sampler: Sampler, queries: Queries, n: int, seed: int, slots: int, max_steps: int) -> Iterator[Step]:
    """Batch after batch, finished rows forwarded along until the slowest is done: the usual loop, as the baseline."""
    queue = RequestQueue(sampler, queries, n, seed)
    while len(queue):
        state, last = queue.take(min(slots, len(queue))), None
        while state.running.any():
            done = step_isolating_faults(sampler, state, max_steps, last)
            yield done
            state, last = done.after, LastEvaluation.of(sampler.denoiser, done)
