"""Distributions, sequences and denoisers small enough to check by hand or by enumeration."""

import itertools
from dataclasses import replace

import torch
from torch import Tensor

from adaptive_diffusion.core.corruption import Absorbing, Corruption
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.prediction import Prediction
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.row_noise import row_key
from adaptive_diffusion.core.state import Decision, SamplerState
from adaptive_diffusion.models.oracle import OracleDenoiser
from adaptive_diffusion.models.positions import LearnedPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser


def table(vocabulary: int = 3, length: int = 4, seed: int = 0) -> Tensor:
    """A dense distribution [K]·L of uneven, strictly positive probabilities."""
    weights = torch.rand((vocabulary,) * length, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return weights**3 / (weights**3).sum()


def oracle(vocabulary: int = 3, length: int = 4) -> OracleDenoiser:
    return OracleDenoiser.of_table(table(vocabulary, length), Absorbing(vocabulary))


def transformer(vocabulary: int = 5, length: int = 9, seed: int = 0, **size) -> TransformerDenoiser:
    torch.manual_seed(seed)
    size = {"width": 32, "depth": 2, "heads": 2, "positions": LearnedPositions([[i] for i in range(length)])} | size
    return TransformerDenoiser(vocabulary, **size).eval()


def random_queries(
    count: int, length: int, vocabulary: int, seed: int = 0, given: float = 0.3, first_id: int = 0
) -> Queries:
    """Queries of random tokens, of which a random share is given; every query leaves something open."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(vocabulary, (count, length), generator=generator)
    editable = torch.rand(count, length, generator=generator) >= given
    editable[:, 0] |= ~editable.any(1)
    return Queries.of(tokens, editable, first_id)


def sampler_state(
    tokens: list[list[int]],
    committed: list[list[int]] | None = None,
    editable: list[list[int]] | None = None,
    corruption: Corruption | None = None,
    **fields: Tensor,
) -> SamplerState:
    """A state between two steps; all positions are editable and none is committed by default."""
    corruption = corruption or Absorbing(mask_id=9)
    rows = torch.tensor(tokens)
    number = torch.zeros(len(rows), dtype=torch.int64)
    may = torch.ones_like(rows, dtype=torch.bool) if editable is None else torch.tensor(editable).bool()
    stands = torch.zeros_like(rows, dtype=torch.bool) if committed is None else torch.tensor(committed).bool()
    query = torch.arange(len(rows))
    state = SamplerState(
        corruption=corruption,
        query=query,
        variation=number,
        key=row_key(0, query, number),
        tokens=rows,
        editable=may,
        eligible=may,
        committed=stands,
        commit_probability=torch.zeros(rows.shape),
        commit_step=torch.full(rows.shape, -1, dtype=torch.int32),
        revisions=torch.zeros(rows.shape, dtype=torch.int32),
        noise_level=torch.ones(len(rows), dtype=torch.float64),
        nfe=number,
        token_forwards=number,
        block=number,
        step=number,
        earlier_steps=number,
        halt_reason=number,
    )
    return replace(state, **fields)


def prediction(shape: tuple[int, int], width: int = 1, **summaries: Tensor) -> Prediction:
    """A prediction that holds just these summaries [B, L]."""
    return Prediction(Evaluation(torch.zeros(*shape, width)), summaries, torch.ones(shape, dtype=torch.bool))


def decision(state: SamplerState, write: Tensor | None = None, remask: Tensor | None = None, **fields) -> Decision:
    """A decision that writes token 0 with probability 1, and nothing by default."""
    nothing = torch.zeros_like(state.committed)
    return replace(
        Decision(
            write=nothing if write is None else write,
            token=torch.zeros_like(state.tokens),
            probability=torch.ones(state.tokens.shape),
            remask=nothing if remask is None else remask,
            renoise=nothing,
            noise_level=state.noise_level,
            settled=torch.zeros_like(state.running),
        ),
        **fields,
    )


def sequences(vocabulary: int, length: int) -> list[tuple[int, ...]]:
    return list(itertools.product(range(vocabulary), repeat=length))
