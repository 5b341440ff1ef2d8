"""How often a sampler is right, and what it pays: the figures of a summary row."""

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor


def summarise(
    nfe: Tensor, grades: Mapping[str, Tensor], token_forwards: Tensor | None = None
) -> dict[str, float | None]:
    """Means of grades, and mean, 95th percentile and maximum of NFE, over R answers.

    The 95th percentile is the smallest NFE that is enough for 95% of the answers, so it is one that was really spent.

    Args:
        nfe: forwards [R].
        grades: figures of the answers by name, float [R], as `Task.grades` gives them; NaN where nothing can decide.
            The mean of the others is taken; None where there are no others.
        token_forwards: positions computed [R].

    Raises:
        ValueError: no answers.
    """
    if not len(nfe):
        raise ValueError("there are no answers to summarise")
    ordered = nfe.long().sort().values
    enough = (95 * len(ordered) + 99) // 100
    tokens = None if token_forwards is None else token_forwards.double().mean().item()
    return {
        **{name: share(values) for name, values in grades.items()},
        "nfe_mean": ordered.double().mean().item(),
        "nfe_p95": float(ordered[enough - 1]),
        "nfe_max": float(ordered[-1]),
        "token_forwards_mean": tokens,
        "queries": len(ordered),
    }


def share(values: Tensor) -> float | None:
    """The mean of figures [R], NaN left out; None where all are NaN."""
    known = values[~values.isnan()]
    return known.mean(dtype=torch.float64).item() if len(known) else None


def fingerprints(answers: Tensor, editable: Tensor) -> np.ndarray:
    """16 bytes [R] for each of R answers [R, L], equal where the same tokens stand at the same editable positions
    [R, L]."""
    written = answers.masked_fill(~editable, -2).numpy()
    found = [blake2b(row.tobytes(), digest_size=16).digest() for row in written]
    return np.frombuffer(b"".join(found), dtype="V16")


def distinct_share(written: np.ndarray) -> float:
    """Which share of R answers differ from all others, by their `fingerprints` [R]: 1 where no two are alike, 1/R where
    all are the same."""
    return len(set(written.tolist())) / max(1, len(written))
