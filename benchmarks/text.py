"""Diffusion against autoregression: seconds for the same number of tokens at every batch size, one trunk for both."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rule import Halting, Remasking, UnmaskingPace
from adaptive_diffusion.decoding import Decoder
from adaptive_diffusion.models.autoregressive import AutoregressiveTransformer
from adaptive_diffusion.models.positions import RotaryPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.rules.halting import AllCommitted
from adaptive_diffusion.rules.pace import FixedSteps
from adaptive_diffusion.rules.remasking import NoRemasking
from adaptive_diffusion.sampling.sampler import Sampler

LENGTH, VOCABULARY = 256, 257
SIZE = {"width": 128, "depth": 4, "heads": 4}
STEPS = 8, 16, 32, 64
BATCHES = 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024
QUICK = 1, 4, 16
REPEATS = 3
LONG = 20.0
"""Seconds after which a contender is not tried again: what takes long varies little."""


@dataclass(frozen=True)
class Contender:
    """A way to write, and what calls it."""

    name: str
    write: Any


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows `text/NAME/BATCH`: the least seconds of three tries that take turns, tokens a second, forwards a text; the
    same of processor seconds, which other work on the machine disturbs less. What is written does not matter here, only
    what it costs, so the weights are random; steps are fixed."""
    texts = models()
    for batch in QUICK if quick else BATCHES:
        queries = Queries.of(torch.full((batch, LENGTH), VOCABULARY), torch.ones(batch, LENGTH))
        yield from race(contenders(*texts, STEPS[::2] if quick else STEPS), queries, 1 if quick else REPEATS)


def models() -> tuple[TransformerDenoiser, AutoregressiveTransformer]:
    """The two trunks, equal in parameters."""
    torch.manual_seed(0)
    places = lambda: RotaryPositions.line(LENGTH)  # noqa: E731 (each trunk builds its own)
    denoiser = TransformerDenoiser(VOCABULARY, places(), **SIZE, status=False)
    return denoiser.eval(), AutoregressiveTransformer(VOCABULARY, places(), **SIZE).eval()


def diffusion(
    name: str,
    denoiser: Any,
    pace: UnmaskingPace,
    remasking: Remasking | None = None,
    halting: Halting | None = None,
    slots: int = 1024,
) -> Contender:
    """A sampler as a contender: `write` gives forwards of each text."""
    sampler = Sampler(denoiser, pace=pace, remasking=remasking or NoRemasking(), halting=halting or AllCommitted())
    return Contender(name, lambda queries: sampler.sample(queries, slots=slots).nfe)


def autoregressive(model: AutoregressiveTransformer, slots: int = 1024) -> Contender:
    """The baseline, which writes every token of the sequence."""
    return Contender("autoregressive", lambda queries: Decoder(model).decode(queries, slots=slots).written)


def contenders(denoiser: Any, model: AutoregressiveTransformer, steps: tuple[int, ...]) -> list[Contender]:
    """Fixed numbers of steps, and autoregression."""
    return [autoregressive(model), *(diffusion(f"diffusion_{n}", denoiser, FixedSteps(n)) for n in steps)]


def race(contenders: list[Contender], queries: Queries, repeats: int) -> Iterator[dict[str, Any]]:
    """A row a contender; tries take turns, so that whatever else the machine does slows all alike. There are `repeats`
    of them, fewer of what takes long."""
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    processor: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    forwards = {}
    for _ in range(repeats):
        for contender in contenders:
            if sum(seconds[contender.name]) > LONG:
                continue
            begin, processed = time.perf_counter(), time.process_time()
            forwards[contender.name] = contender.write(queries).double().mean().item()
            seconds[contender.name].append(time.perf_counter() - begin)
            processor[contender.name].append(time.process_time() - processed)
    tokens = int(queries.editable.sum())
    for contender in contenders:
        least = min(seconds[contender.name])
        yield {
            "name": f"text/{contender.name}/{len(queries)}",
            "sampler": contender.name,
            "batch": len(queries),
            "seconds": least,
            "slowest_seconds": max(seconds[contender.name]),
            "tokens_per_second": tokens / least,
            "processor_seconds": min(processor[contender.name]),
            "slowest_processor_seconds": max(processor[contender.name]),
            "tokens_per_processor_second": tokens / min(processor[contender.name]),
            "forwards": forwards[contender.name],
            "tokens": tokens,
            "tries": len(seconds[contender.name]),
        }
