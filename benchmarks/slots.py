"""Compute saved is time saved: the slot loop against the loop that keeps finished rows, same rules, same answers."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import Decision, HaltDecision, SamplerState
from adaptive_diffusion.models.positions import LearnedPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.sampling.result import Recorder
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.slots import Loop, continuous, frozen

SPREADS = 1.2, 2.0, 4.0, 7.0, 10.0
LONGEST = 20
LENGTH = 36
VOCABULARY = 6
SLOTS = 256


@dataclass(frozen=True)
class StepsOfEach(Halting):
    """Query i stops after `steps[i]` steps, whatever the prediction: a halting rule of a known spread."""

    steps: Tensor

    def __call__(self, state: SamplerState, prediction: Prediction, decision: Decision) -> HaltDecision:
        return HaltDecision(state.step + 1 >= self.steps[state.query])


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows `slots/SPREAD`, a spread being the longest over the mean number of steps. `saved` is the ratio of the loops'
    seconds over the ratio of the rows they forwarded: 1 where every forward saved is its full time saved.
    `saved_processor_time` is the same of processor seconds, which other work on the machine disturbs less."""
    count = 500 if quick else 2000
    denoiser = TransformerDenoiser(VOCABULARY, LearnedPositions([[i] for i in range(LENGTH)])).eval()
    queries = Queries.of(torch.full((count, LENGTH), VOCABULARY), torch.ones(count, LENGTH))
    race(denoiser, queries.take(slice(SLOTS)), torch.ones(count, dtype=torch.int64))  # warms up
    for spread in SPREADS[::2] if quick else SPREADS:
        steps = steps_of_spread(count, spread)
        slot, still = race(denoiser, queries, steps)
        time_ratio, rows_ratio = still.seconds / slot.seconds, still.rows / slot.rows
        yield {
            "name": f"slots/{spread:g}",
            "saved": time_ratio / rows_ratio,
            "time_ratio": time_ratio,
            "rows_ratio": rows_ratio,
            "slot_seconds": slot.seconds,
            "frozen_seconds": still.seconds,
            "saved_processor_time": still.processor / slot.processor / rows_ratio,
            "slot_rows": slot.rows,
            "frozen_rows": still.rows,
            "queries": count,
            "nfe_mean": steps.double().mean().item(),
            "nfe_max": int(steps.max()),
            "slots": SLOTS,
            "parameters": sum(parameter.numel() for parameter in denoiser.parameters()),
        }


def steps_of_spread(count: int, spread: float) -> Tensor:
    """[count] steps with maximum `LONGEST` and mean `LONGEST`/spread, shuffled: 1 + (max − 1)·uᵏ at evenly spaced u, k
    such that the mean is right."""
    u = (torch.arange(count, dtype=torch.float64) + 1) / count
    k = (LONGEST - 1) / (LONGEST / spread - 1) - 1
    steps = (1 + (LONGEST - 1) * u**k).round().long()
    return steps[torch.randperm(count, generator=torch.Generator().manual_seed(0))]


class Runner:
    """A loop on its way: one token a step by confidence, ended after each query's own number of steps."""

    def __init__(self, loop: Loop, denoiser: TransformerDenoiser, queries: Queries, steps: Tensor):
        sampler = Sampler(denoiser, halting=StepsOfEach(steps))
        self.loop = loop(sampler, queries, 1, 0, SLOTS, LONGEST)
        self.recorder = Recorder(queries, 1)
        self.seconds = self.processor = 0.0
        self.answered = 0

    @property
    def rows(self) -> int:
        """Sequences forwarded so far."""
        return self.recorder.rows_forwarded

    def step(self) -> None:
        """One step of the loop, timed from the refill to the record."""
        begin, processor = time.perf_counter(), time.process_time()
        step = next(self.loop)
        self.recorder(step)
        self.seconds += time.perf_counter() - begin
        self.processor += time.process_time() - processor
        self.answered += int((step.before.running & ~step.after.running).sum())


@torch.inference_mode()
def race(denoiser: TransformerDenoiser, queries: Queries, steps: Tensor) -> tuple[Runner, Runner]:
    """Both loops to their ends, taking turns step by step so that whatever else the machine does slows both alike.

    Raises where they disagree: a ratio of different answers would mean nothing.
    """
    slot, still = (Runner(loop, denoiser, queries, steps) for loop in (continuous, frozen))
    while (behind := min(slot, still, key=lambda runner: runner.answered)).answered < len(queries):
        behind.step()
    one, other = slot.recorder.result(), still.recorder.result()
    if not (torch.equal(one.answers, other.answers) and torch.equal(one.nfe, other.nfe)):
        raise AssertionError("the slot loop and the frozen loop gave different answers")
    return slot, still
