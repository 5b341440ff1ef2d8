"""A hundred thousand queries: memory is flat, and neither file handles nor threads pile up."""

import os
import threading
from pathlib import Path

import pytest
import torch
from small_worlds import random_queries, transformer

from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.rules.pace import FixedSteps
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.sampling.tracing import TraceRecorder

COUNT, LENGTH = 100_000, 9
MORE = 16 * 2**20
"""Bytes by which memory may differ between a third of the way and its end; the shards that are buffered breathe."""


class Gauge:
    """Reads off, every fiftieth step, what the process holds."""

    def __init__(self) -> None:
        self.steps, self.read = 0, []

    def __call__(self, step) -> None:
        self.steps += 1
        if self.steps % 50 == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            held = pages * os.sysconf("SC_PAGE_SIZE")
            self.read.append((held, len(os.listdir("/proc/self/fd")), threading.active_count()))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_a_hundred_thousand_queries_take_the_memory_of_a_few(tmp_path):
    sampler = Sampler(transformer(width=16, depth=1), proposal=Draw(), pace=FixedSteps(3))
    queries, gauge = random_queries(COUNT, LENGTH, 5), Gauge()
    with TraceWriter(tmp_path, shard_rows=50_000) as writer:
        recorder = TraceRecorder(writer)
        result = sampler.sample(queries, observers=[recorder, gauge])
        recorder.finish(queries, result)
    assert len(gauge.read) > 20
    third = gauge.read[len(gauge.read) // 3 :]
    memory, handles, threads = (torch.tensor(column) for column in zip(*third, strict=True))
    assert memory.max() - memory[0] < MORE
    assert handles.max() <= handles[0]
    assert threads.max() <= threads[0]
    assert read_trace(tmp_path).rows.num_rows == COUNT
