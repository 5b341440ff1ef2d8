"""Cost against the number of queries, traces streaming to disk; every size in a process of its own, whose peak of
memory is its own too."""

import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.models.positions import LearnedPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.rules.pace import FixedSteps
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.step import Step
from adaptive_diffusion.sampling.tracing import TraceRecorder

SIZES = 1_000, 3_000, 10_000, 30_000, 100_000
LENGTH, VOCABULARY, STEPS, SLOTS = 16, 4, 4, 250
SHARD = 20_000


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows `scale/QUERIES`; `linear` is the cost of a query over that at the size before it. The cost is counted in
    reference forwards, which are made in between, so that it does not move with the speed of the machine."""
    before = None
    for count in SIZES[::2][:2] if quick else SIZES:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            row = pool.apply(sampled, (count,))
        each = row["reference_forwards"]
        yield row | {"linear": each / before if before else 1.0}
        before = each


class Reference:
    """An observer that makes the same forward at every fourth step and keeps its processor time apart."""

    def __init__(self, denoiser: TransformerDenoiser, state: SamplerState):
        self.denoiser, self.state = denoiser, state
        self.steps, self.made, self.seconds = 0, 0, 0.0

    def __call__(self, step: Step) -> None:
        self.steps += 1
        if self.steps % 4 == 0:
            begin = time.process_time()
            self.denoiser.evaluate(self.state)
            self.seconds += time.process_time() - begin
            self.made += 1


@torch.inference_mode()
def sampled(count: int) -> dict[str, Any]:
    """The row of one size: seconds and peak memory, the queries themselves and their answers included."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    positions = LearnedPositions([[i] for i in range(LENGTH)])
    denoiser = TransformerDenoiser(VOCABULARY, positions, width=64, depth=2, heads=2).eval()
    sampler = Sampler(denoiser, pace=FixedSteps(STEPS))
    with tempfile.TemporaryDirectory() as folder:
        with TraceWriter(f"{folder}/warm", SHARD) as writer:
            sampler.sample(_queries(SLOTS), slots=SLOTS, observers=[TraceRecorder(writer)])
        full = sampler.begin(_queries(SLOTS), torch.zeros(SLOTS, dtype=torch.int64), 0)
        reference = Reference(denoiser, full)
        start, begin, processor = _peak(), time.perf_counter(), time.process_time()
        queries = _queries(count)
        with TraceWriter(f"{folder}/trace", SHARD) as writer:
            recorder = TraceRecorder(writer)
            result = sampler.sample(queries, slots=SLOTS, observers=[recorder, reference])
            recorder.finish(queries, result)
        seconds, spent = time.perf_counter() - begin, time.process_time() - processor - reference.seconds
        size = sum(entry.stat().st_size for entry in os.scandir(f"{folder}/trace"))
    return {
        "name": f"scale/{count}",
        "queries": count,
        "seconds": seconds,
        "processor_seconds": spent,
        "reference_forwards": spent / count / (reference.seconds / reference.made),
        "peak_megabytes": _peak(),
        "megabytes_above_start": _peak() - start,
        "trace_megabytes": size / 1e6,
        "nfe_mean": result.nfe.double().mean().item(),
        "slots": SLOTS,
    }


def _queries(count: int) -> Queries:
    return Queries.of(torch.full((count, LENGTH), VOCABULARY), torch.ones(count, LENGTH))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
