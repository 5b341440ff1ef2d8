"""Where is the masked denoiser less certain than its twin? Exact nats of test strings, a token a forward, by the order
in which tokens are written and by what the token is."""

import argparse
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import RESULTS

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.evaluation.intervals import bootstrap, mean
from adaptive_diffusion.runs.stage import checkpoint
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance
from adaptive_diffusion.tasks.molecules.chemistry import molecule

KINDS = {"parentheses": "()", "ring closures": "123456789", "bonds": "=#-"}
ORDERS = "left to right", "right to left", "random", "lowest entropy first"


def kind_of(token):
    """What a token of the alphabet is."""
    return next((kind for kind, tokens in KINDS.items() if token in tokens), "atoms")


def begun_state(model, queries) -> SamplerState:
    """Sequences before the first forward, with columns of their own."""
    state = Sampler(model).begin(queries, torch.zeros_like(queries.ids), 0)
    return replace(state, tokens=state.tokens.clone(), committed=state.committed.clone())


def nats_of_order(model, queries, clean, order, ranks=None):
    """[N, L] −log p of each open token, when tokens are written one a forward in an order that sees only what is
    written: so their sum is −log p of the string under the sampler that draws in this order. `ranks` [N, L] are those
    of the random order; by default they are drawn."""
    state = begun_state(model, queries)
    nats, rows = torch.zeros(clean.shape, dtype=torch.float64), torch.arange(len(clean))
    place = torch.arange(clean.shape[1]).double().expand(clean.shape)
    if ranks is None:
        ranks = torch.rand(clean.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    fixed = {"left to right": place, "right to left": -place, "random": ranks}
    for _ in range(int(queries.editable.sum(1).max())):
        log_p = model.logits(model.denoiser.evaluate(state).hidden).double().log_softmax(-1)
        rank = fixed.get(order, -(log_p.exp() * log_p).sum(-1))
        at = rank.masked_fill(~state.open, torch.inf).argmin(1)
        live = state.open[rows, at]
        token = clean[rows, at]
        nats[rows[live], at[live]] = -log_p[rows, at, token][live]
        state.tokens[rows[live], at[live]] = token[live]
        state.committed[rows[live], at[live]] = True
    return nats


def nats_of_twin(model, queries, clean):
    """[N, L] −log p of each open token under the autoregressive twin, in one forward."""
    hidden = model.denoiser.hidden(clean, queries.editable)
    log_p = model.logits(hidden).double().log_softmax(-1)
    return -log_p.gather(2, clean[:, :, None])[:, :, 0] * queries.editable


def one_open(model, task, clean, opened):
    """Of every open token alone, all others being there: [P] −log p of it, the mass of the tokens that make the string
    valid, and what it is. Nothing is easier: what is lost here, no order and no number of forwards brings back."""
    row, place = opened.nonzero(as_tuple=True)
    tokens, alone = clean[row], torch.nn.functional.one_hot(place, clean.shape[1]).bool()
    state = begun_state(model, Queries.of(tokens.where(~opened[row], task.vocabulary), opened[row]))
    state = replace(state, tokens=tokens.where(~alone, task.vocabulary), committed=opened[row] & ~alone)
    p = model.logits(model.denoiser.evaluate(state).hidden[alone]).double().softmax(-1)
    valid = torch.zeros_like(p)
    for number, (string, at) in enumerate(zip(tokens, place.tolist(), strict=True)):
        for token in range(task.tokenizer.end):
            string[at] = token
            valid[number, token] = molecule(task.smiles(string)) is not None
    return -p.gather(1, clean[row, place][:, None])[:, 0].log(), (p * valid).sum(1), clean[row, place]


def by_kind(nats, mass, kinds):
    """Means of what `one_open` gives, for each kind of token and for all."""
    found = {}
    for kind in (*KINDS, "atoms", "all"):
        own = (kinds == kind) | (kind == "all")
        found[kind] = {"nats": float(nats[own].mean()), "mass_of_invalid": float(1 - mass[own].mean())}
    return found


def figures(nats, kinds, editable):
    """Nats a string with its interval, and how many of them fall to each kind of token."""
    nats, editable = nats.numpy(), editable.numpy()
    parts = {kind: float((nats * (kinds == kind)).sum(1).mean()) for kind in (*KINDS, "atoms")}
    tokens = {kind: float((editable & (kinds == kind)).sum(1).mean()) for kind in parts}
    return {"nats": bootstrap(mean, nats.sum(1)).to_json(), "by_kind": parts, "tokens": tokens}


@torch.inference_mode()
def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run of the experiment molecules_qm9 or molecules_moses")
    parser.add_argument("--strings", type=int, default=500, help="the first test strings")
    parser.add_argument("--alone", type=int, default=100, help="of these every token is left out once")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    begun = now()
    masked, twin = (load_trained_model(chosen.run / checkpoint(name)) for name in ("masked", "twin"))
    data: Any = masked.data
    windows = data.windows("test")
    clean = torch.from_numpy(windows.tokens)[: chosen.strings]
    opened = ~torch.from_numpy(windows.padding)[: chosen.strings]
    queries = Queries.of(clean.where(~opened, data.task.vocabulary), opened)
    names = np.array([*map(kind_of, data.task.tokenizer.alphabet), "end"])
    kinds = names[clean.numpy()]
    rows = {order: figures(nats_of_order(masked.model, queries, clean, order), kinds, opened) for order in ORDERS}
    rows["twin, left to right"] = figures(nats_of_twin(twin.model, queries, clean), kinds, opened)
    for name, row in rows.items():
        print(f"{name}: {row['nats']['value']:.2f} nats a string", {k: round(v, 2) for k, v in row["by_kind"].items()})
    nats, mass, token = one_open(masked.model, data.task, clean[: chosen.alone], opened[: chosen.alone])
    alone = by_kind(nats.numpy(), mass.numpy(), names[token.numpy()])
    print("one token open:", alone)
    command = f"orders.py RUN --strings {chosen.strings} --alone {chosen.alone}"
    result = {"orders": rows, "one_open": alone, "manifest": provenance(command, begun)}
    chosen.out.mkdir(parents=True, exist_ok=True)
    atomic_write_file(chosen.out / "orders.json", json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    main()
