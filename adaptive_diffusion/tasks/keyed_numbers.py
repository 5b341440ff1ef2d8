"""Random numbers for whole batches: those of problem n depend on its key alone, not on the batch that it is made in.

The words of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), so that problem n of a seed is the same whatever version
of numpy makes it.
"""

import numpy as np

from adaptive_diffusion.tasks.random_streams import INCREMENT, mix


def keyed_words(*key: int | np.ndarray, count: int) -> np.ndarray:
    """Words uint64 [N, count], each uniform, for keys of non-negative integers: numbers, or arrays [N]."""
    word = np.zeros(1, dtype=np.uint64)
    for part in key:
        word = mix(word ^ (np.atleast_1d(np.asarray(part, dtype=np.uint64)) + INCREMENT))
    return mix(word[:, None] + INCREMENT * np.arange(1, count + 1, dtype=np.uint64))


def keyed_uniforms(*key: int | np.ndarray, count: int) -> np.ndarray:
    """Numbers float64 [N, count], uniform in 0 ≤ u < 1, for keys as those of ``keyed_words``."""
    return (keyed_words(*key, count=count) >> np.uint64(11)) * 2.0**-53
