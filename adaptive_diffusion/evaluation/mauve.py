"""How near a set of generated texts is to a set of real ones, on features that need no network."""

import zlib
from collections.abc import Sequence

import numpy as np
from scipy.cluster.vq import kmeans2

DIMENSIONS, LONGEST = 256, 4
SCALE = 5.0


def byte_features(texts: Sequence[bytes]) -> np.ndarray:
    """float64 [N, 256]: square roots of the shares of hashed byte 1- to 4-grams, unit length each."""
    features = np.zeros((len(texts), DIMENSIONS))
    for row, text in zip(features, texts, strict=True):
        for size in range(1, LONGEST + 1):
            for start in range(len(text) - size + 1):
                row[zlib.crc32(text[start : start + size]) % DIMENSIONS] += 1
        np.sqrt(row / max(row.sum(), 1), out=row)
    return features


def mauve(real: np.ndarray, generated: np.ndarray, clusters: int | None = None, seed: int = 0) -> float:
    """The area under the divergence curve of two sets of features [N, F] and [M, F], quantised together: 1 for the same
    distribution, near 0 for disjoint ones (Pillutla et al. 2021, arXiv 2102.01454; their features are a language
    model's, so figures compare only among themselves).

    Points are (exp(−c·KL(Q‖R)), exp(−c·KL(P‖R))) for R = λP + (1 − λ)Q and c = 5; by default a cluster for every ten
    texts of the smaller set.

    Raises:
        ValueError: fewer than two texts in a set.
    """
    if min(len(real), len(generated)) < 2:
        raise ValueError(f"{len(real)} and {len(generated)} texts say nothing of a distribution; use at least 2 each")
    count = clusters or max(2, min(len(real), len(generated)) // 10)
    label = kmeans2(np.concatenate([real, generated]), count, minit="++", rng=np.random.default_rng(seed))[1]
    p, q = (np.bincount(part, minlength=count) / len(part) for part in np.split(label, [len(real)]))
    points = [(0.0, 1.0), (1.0, 0.0)]
    for share in np.linspace(0.01, 0.99, 99):
        mixed = share * p + (1 - share) * q
        points.append((float(np.exp(-SCALE * _divergence(q, mixed))), float(np.exp(-SCALE * _divergence(p, mixed)))))
    across, up = np.array(sorted(points, key=lambda point: (point[0], -point[1]))).T
    return float(np.trapezoid(up, across))


def _divergence(p: np.ndarray, q: np.ndarray) -> float:
    here = p > 0
    return float((p[here] * np.log(p[here] / q[here])).sum())
