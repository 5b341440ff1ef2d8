"""How much of a step is not the denoiser's trunk: output head, statistics of the logits, rules, refill, records."""

import time
from collections.abc import Iterator
from itertools import islice
from statistics import median
from typing import Any

import torch

from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.positions import LearnedPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.models.wrapper import DenoiserWrapper
from adaptive_diffusion.rules.order import Margin
from adaptive_diffusion.rules.pace import Threshold
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import LowProbability
from adaptive_diffusion.sampling.result import Recorder
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.slots import continuous

LENGTH, VOCABULARY, SLOTS = 81, 9, 256
SAMPLERS: dict[str, dict[str, Any]] = {
    "confidence": {},
    "margin_threshold_remasking": {"order": Margin(), "pace": Threshold(0.95), "remasking": LowProbability(0.3)},
    "draw": {"proposal": Draw()},
}


class Timed(DenoiserWrapper):
    """A denoiser that adds up the seconds of its evaluations, by the wall and of this process."""

    seconds = processor = 0.0

    @property
    def time_invariant(self) -> bool:
        """That of the denoiser: timing changes nothing."""
        return self.denoiser.time_invariant

    def evaluate(self, state: SamplerState) -> Evaluation:
        begin, processor = time.perf_counter(), time.process_time()
        evaluation = super().evaluate(state)
        self.processor += time.process_time() - processor
        self.seconds += time.perf_counter() - begin
        return evaluation


@torch.inference_mode()
def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows `overhead/SAMPLER`; `share` is the median share of a step's time outside the trunk, at 6M parameters."""
    positions = LearnedPositions([[i] for i in range(LENGTH)])
    denoiser = Timed(TransformerDenoiser(VOCABULARY, positions, width=256, depth=8, heads=8).eval())
    queries = Queries.of(torch.full((2 * SLOTS, LENGTH), VOCABULARY), torch.ones(2 * SLOTS, LENGTH))
    for name, rules in islice(SAMPLERS.items(), 2 if quick else None):
        shares: list[tuple[float, float]] = []
        recorder = Recorder(queries, 1)
        loop = continuous(Sampler(denoiser, **rules), queries, 1, 0, SLOTS, 1000)
        for _ in islice(range(1000), 3 if quick else 10):
            denoiser.seconds = denoiser.processor = 0.0
            begin, processor = time.perf_counter(), time.process_time()
            recorder(next(loop))
            wall, spent = time.perf_counter() - begin, time.process_time() - processor
            shares.append((1 - denoiser.seconds / wall, 1 - denoiser.processor / spent))
        by_wall, by_processor = zip(*shares[1:], strict=True)
        yield {
            "name": f"overhead/{name}",
            "share": median(by_wall),
            "share_processor_time": median(by_processor),
            "steps": len(by_wall),
            "slots": SLOTS,
            "length": LENGTH,
            "vocab": VOCABULARY,
            "parameters": sum(parameter.numel() for parameter in denoiser.parameters()),
        }
