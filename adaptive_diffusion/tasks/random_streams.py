"""Random integers in compiled code: a stream of its own for every problem, the same on every platform and version.

SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). Our own few lines rather than a library's stream, so that problem n of
a seed is the same problem whatever version of numpy or numba generates it. For that reason nothing here may change what
it returns. (numba's cache watches only the file of the function that it compiled, so callers would not notice.)
"""

import numpy as np
from numba import njit

INCREMENT = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True)
def mix(word):
    """A bijection of 64-bit words that scatters neighbours."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@njit(cache=True, nogil=True)
def start_rows(seed, stream, first, states):
    """Begin the streams (seed, stream, first), (seed, stream, first + 1), … in ``states`` uint64 [N]."""
    word = mix(np.uint64(seed) + INCREMENT)
    word = mix(word ^ (np.uint64(stream) + INCREMENT))
    for row in range(states.shape[0]):
        states[row] = mix(word ^ (np.uint64(first + row) + INCREMENT))


@njit(cache=True, nogil=True)
def below(state, bound):
    """The next integer from 0 to bound − 1 of the stream ``state`` uint64 [1]."""
    state[0] += INCREMENT
    return np.int64(((mix(state[0]) >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@njit(cache=True, nogil=True)
def shuffle(state, values):
    """Permute ``values`` uniformly, in place (Fisher and Yates)."""
    for last in range(values.shape[0] - 1, 0, -1):
        other = below(state, last + 1)
        values[last], values[other] = values[other], values[last]
