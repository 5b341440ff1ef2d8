"""One sequence of 512 bytes at once, and 2,048 in blocks with halting per block: traces, memory and quality by
block."""

import argparse
import json
import resource
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.evaluation.intervals import bootstrap, mean
from adaptive_diffusion.evaluation.reference_model import nll_bits, unigram_entropy
from adaptive_diffusion.models.sliding import Sliding
from adaptive_diffusion.rules.adaptive import EntropyBound
from adaptive_diffusion.rules.order import Random
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.tracing import TraceRecorder
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance

RESULTS = Path(__file__).parent / "results"
PARALLEL, PROMPT = 512, 64


class Memory:
    """The largest resident size of the process, in MB, while row 0 was in each of its blocks; Linux only."""

    def __init__(self):
        self.blocks = {}

    def __call__(self, step):
        block, pages = int(step.before.block[0]), int(Path("/proc/self/statm").read_text().split()[1])
        self.blocks[block] = max(self.blocks.get(block, 0.0), pages * resource.getpagesize() / 2**20)


def written(sampler, queries, trace, seed, observers=()):
    """Answers, with a trace of how they came about and the seconds they took."""
    with TraceWriter(trace) as writer:
        recorder, begin = TraceRecorder(writer), time.perf_counter()
        result = sampler.sample(queries, seed=seed, observers=[recorder, *observers])
        seconds = time.perf_counter() - begin
        recorder.finish(queries, result)
    return result, seconds, read_trace(trace)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a finished run of the experiment text")
    parser.add_argument("--texts", type=int, default=16)
    parser.add_argument("--long", type=int, default=2048, help="bytes written in blocks")
    parser.add_argument("--block", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    begun = now()
    masked, reference = (load_trained_model(chosen.run / checkpoint(name)) for name in ("masked", "reference"))
    length, traces = masked.task.length, chosen.run / "long" / "traces"
    given = torch.from_numpy(masked.data.windows("test").tokens[: chosen.texts, :PROMPT])
    parts = {"proposal": Draw(), "order": Random(), "pace": EntropyBound(8.0)}

    def asked(size):
        tokens = torch.zeros(chosen.texts, size, dtype=torch.int64)
        tokens[:, :PROMPT] = given
        return Queries.of(tokens, (torch.arange(size) >= PROMPT).expand(chosen.texts, -1))

    at_once, seconds_at_once, trace_at_once = written(
        Sampler(masked.model, **parts), asked(PARALLEL), traces / "at_once", chosen.seed
    )
    memory = Memory()
    sampler = Sampler(Sliding(masked.model, length), **parts, block_length=chosen.block)
    long, seconds, trace = written(sampler, asked(chosen.long), traces / "in_blocks", chosen.seed, [memory])
    bits = nll_bits(reference.model.denoiser, long.answers, length)[:, PROMPT:].double()
    each = [part.mean(1).numpy() for part in bits.split(chosen.block, 1)]
    index = np.arange(len(each))
    slopes = np.array([np.polyfit(index, row, 1)[0] for row in np.array(each).T])
    query, step, position = (trace.events[name].to_numpy() for name in ("query", "step", "position"))
    taken = np.unique(np.stack([(position - PROMPT) // chosen.block, query, step]), axis=1)[0]
    steps = np.bincount(taken, minlength=len(each)) / chosen.texts
    first = nll_bits(reference.model.denoiser, at_once.answers, length)[:, PROMPT:].double().mean(1).numpy()
    result = {
        "parallel": {
            "length": PARALLEL,
            "nfe_mean": at_once.nfe.double().mean().item(),
            "reference_bits_per_byte": bootstrap(mean, first).to_json(),
            "unigram_entropy": unigram_entropy(at_once.answers[:, PROMPT:]).mean().item(),
            "seconds": seconds_at_once,
            "events": trace_at_once.events.num_rows,
        },
        "long": {
            "length": chosen.long,
            "block": chosen.block,
            "window": length,
            "nfe_mean": long.nfe.double().mean().item(),
            "reference_bits_per_byte": bootstrap(mean, bits.mean(1).numpy()).to_json(),
            "slope_in_bits_per_block": bootstrap(mean, slopes).to_json(),
            "unigram_entropy": unigram_entropy(long.answers[:, PROMPT:]).mean().item(),
            "seconds": seconds,
            "events": trace.events.num_rows,
        },
        "blocks": [
            {
                "reference_bits_per_byte": found.value,
                "low": found.low,
                "high": found.high,
                "steps": float(steps[block]),
            }
            for block, found in enumerate(bootstrap(mean, part) for part in each)
        ],
        "largest_memory_mb_by_block": memory.blocks,
        "texts": chosen.texts,
        "manifest": provenance(
            f"blocks.py RUN --texts {chosen.texts} --long {chosen.long} --block {chosen.block} --seed {chosen.seed}",
            begun,
        ),
    }
    RESULTS.mkdir(exist_ok=True)
    atomic_write_file(RESULTS / "blocks.json", json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    with torch.inference_mode():
        main()
