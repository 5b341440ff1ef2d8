"""The target that steps any combination of rules."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from any_rules import HALTING, ORDERS, PACES, PLANS, PROCESSORS, REMASKING, Hashing, K, L

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.proposal import Argmax, Draw
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.sampling.step import step


def rules(data: bytes, folder: Path) -> None:
    """Any combination of rules on a state that no sampler led to."""
    draw = random.Random(data)
    corruption = draw.choice([Absorbing(K), Uniform(K)])

    def one(parts: list) -> Any:
        return draw.choice([part for part in parts if corruption.kind in part.corruptions])

    plan = one(PLANS) if draw.random() < 0.3 else Composed(one(ORDERS), one(PACES), one(REMASKING))
    sampler = Sampler(
        Hashing(corruption, 1),
        proposal=draw.choice([Argmax(), Draw(), Draw(0.5)]),
        halting=one(HALTING),
        plan=plan,
        processors=tuple(one(PROCESSORS) for _ in range(draw.randrange(2))),
        block_length=draw.choice([None, 1, 4]),
    )
    generator = torch.Generator().manual_seed(draw.randrange(2**31))

    def coin(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator) < draw.choice((0.0, 0.3, 0.7, 1.0))

    def number(limit: int, *shape: int) -> torch.Tensor:
        return torch.randint(limit, shape, generator=generator)

    count = draw.randrange(1, 4)
    state = sampler.begin(Queries.of(number(K, count, L), coin(count, L)), number(3, count), draw.randrange(2**40))
    editable = state.editable
    committed = editable & coin(count, L)
    tokens = torch.where(committed, number(K, count, L), state.tokens)
    steps = number(draw.choice((1, 9, 300)), count)
    state = replace(
        state,
        tokens=tokens,
        committed=committed,
        commit_probability=torch.rand(count, L, generator=generator) * committed,
        revisions=number(draw.choice((1, 9, 300)), count, L).int() * committed,
        step=steps,
        noise_level=torch.rand(count, generator=generator).double().where(coin(count), 0.0),
    )
    done = step(sampler, state, draw.choice((1, 5, 10**6)))
    assert torch.equal(done.after.tokens[~editable], tokens[~editable])
    assert torch.equal(done.after.tokens[~state.running], tokens[~state.running])
    assert ((done.after.halt_reason >= 0) & (done.after.halt_reason < 9)).all()
