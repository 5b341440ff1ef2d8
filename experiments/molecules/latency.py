"""Seconds for new molecules at each batch size: masked samplers, and the twin with and without a cache of keys and
values. One thread."""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import torch
from measure import RESULTS
from samplers import from_the_left, masked_samplers

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.attention import attention
from adaptive_diffusion.models.given_first import reading_order
from adaptive_diffusion.rules.proposal import inverse_cdf
from adaptive_diffusion.runs.memory import keep_freed_memory
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import environment, now, provenance
from benchmarks.text import Contender, race

FIXED = "random_4", "random_8", "random_16", "random_all", "entropy_all"
RACED = (*FIXED, "entropy_bound_2.0", "entropy_bound_0.5", "entropy_bound_0.1")
TWIN, UNCACHED = "twin", "twin_without_cache"


class CachedTwin:
    """Writes like the twin in a sampler, with the keys and values of what was read before: each forward computes one
    position of each row, and rows that are complete leave.

    Args:
        model: a `GivenFirstTransformer` whose attention has no bias between positions.
    """

    def __init__(self, model):
        self.model = model

    def write(self, queries: Queries, uniforms) -> tuple[torch.Tensor, torch.Tensor]:
        """Answers [N, L] and forwards [N]; `uniforms` [N, L] draw the token of each position, 0 always the first."""
        tokens, editable = queries.tokens.clone(), queries.editable
        rank, before = reading_order(editable)
        order, length = rank.argsort(1), tokens.shape[1]
        given, rows = (~editable).sum(1), torch.arange(len(tokens))
        nfe = torch.zeros_like(given)
        cache: list[Any] = [None] * len(self.model.layers)
        here = torch.arange(length).expand_as(tokens)
        hidden = self._read(tokens, here, here, rank, before, cache)
        at = order.gather(1, given.clamp(max=length - 1)[:, None])
        hidden = hidden.gather(1, at[:, :, None].expand(-1, -1, hidden.shape[2]))
        done = given.clone()
        while len(rows):
            token = self._drawn(hidden[:, 0], uniforms[rows].gather(1, at)[:, 0])
            tokens[rows, at[:, 0]], nfe[rows], done = token, nfe[rows] + 1, done + 1
            alive = done < length
            rows, done = rows[alive], done[alive]
            cache = [(key[alive], value[alive]) for key, value in cache]
            if not len(rows):
                break
            at = order[rows].gather(1, done[:, None])
            hidden = self._read(tokens[rows], here[rows], at, rank[rows], before[rows], cache)
        return tokens, nfe

    def _read(self, tokens, here, at, rank, before, cache):
        """Hidden states [B, P, D] of the positions `at` [B, P]; their keys and values enter the cache."""
        model = self.model
        own = rank.gather(1, at)
        place = torch.where(own == 0, at, before.gather(1, at))
        read = tokens.gather(1, place).masked_fill(own == 0, model.vocabulary)
        attend = (rank[:, None, :] <= own[:, :, None])[:, None]
        x = model.positions.add(model.tokens(read), place) + model.predicted(at)
        for layer, block in enumerate(model.layers):
            query, key, value = block.projected(x)
            query, key = model.positions.rotate(query, at), model.positions.rotate(key, place)
            if cache[layer] is None:
                cache[layer] = key.clone(), value.clone()
            else:
                index = at[:, None, :, None].expand_as(key)
                cache[layer][0].scatter_(2, index, key)
                cache[layer][1].scatter_(2, index, value)
            x = block.joined(x, attention(query, *cache[layer], attend))
        return model.norm(x)

    def _drawn(self, hidden, uniform):
        return inverse_cdf(self.model.logits(hidden).double().softmax(-1), uniform)


def contenders(masked, twin, names):
    """What is raced: masked samplers by their names, and the twin, which has to be there."""
    cached, plain, own = CachedTwin(twin.denoiser), from_the_left(twin), masked_samplers(masked)

    def with_cache(queries):
        uniforms = torch.rand(queries.tokens.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        return cached.write(queries, uniforms)[1]

    return [
        Contender(TWIN, with_cache),
        Contender(UNCACHED, lambda queries: plain.sample(queries).nfe),
        *(Contender(name, lambda queries, sampler=own[name]: sampler.sample(queries).nfe) for name in names),
    ]


def speedups(rows, batch, clock):
    """Seconds of the twin with a cache over those of each sampler, at a batch size."""
    seconds = {row["sampler"]: row[clock] for row in rows if row["batch"] == batch}
    return {name: seconds[TWIN] / value for name, value in seconds.items() if name != TWIN}


@torch.inference_mode()
def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run of the experiment molecules_qm9 or molecules_moses")
    parser.add_argument("--samplers", nargs="+", default=RACED)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--tries", type=int, default=7)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    begun = now()
    masked, twin = (load_trained_model(chosen.run / checkpoint(name)) for name in ("masked", "twin"))
    data: Any = masked.data
    raced = contenders(masked.model, twin.model, chosen.samplers)
    rows = []
    for batch in chosen.batches:
        queries = data.task.queries(data.new(batch, chosen.seed))
        rows += list(race(raced, queries, chosen.tries))
    result = {
        "speedup": {str(batch): speedups(rows, batch, "seconds") for batch in chosen.batches},
        "speedup_processor_time": {str(batch): speedups(rows, batch, "processor_seconds") for batch in chosen.batches},
        "seconds": rows,
        "environment": environment(),
        "manifest": provenance(
            f"latency.py RUN --samplers {' '.join(chosen.samplers)} --batches {' '.join(map(str, chosen.batches))} "
            f"--tries {chosen.tries} --seed {chosen.seed}",
            begun,
        ),
    }
    chosen.out.mkdir(parents=True, exist_ok=True)
    atomic_write_file(chosen.out / "latency.json", json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    keep_freed_memory()
    main()
