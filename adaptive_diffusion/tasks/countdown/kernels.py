"""The compiled core: arithmetic, generator and exhaustive search, one problem at a time.

A problem of n numbers is solved by n − 1 equations a ∘ b = c with a ≥ b. Signs are numbered +, −, ×, ÷.
"""

import numpy as np
from numba import njit

from adaptive_diffusion.tasks.random_streams import INCREMENT, below, mix

MOST_DRAWS = 100_000
MOST_NUMBERS = 6
SIGNS = 4
NOT_ALLOWED = -1
MOST_FOUND = 1 << 14  # derivations that are compared with each other
NO_LIMIT = 1 << 62


@njit(cache=True, nogil=True)
def result_of(a, sign, b, largest):
    """a ∘ b for a ≥ b ≥ 0; NOT_ALLOWED where it is no whole number in 0..largest."""
    result = NOT_ALLOWED
    if sign == 0:
        result = a + b
    elif sign == 1:
        result = a - b
    elif sign == 2:
        result = a * b
    elif b > 0 and a % b == 0:
        result = a // b
    return result if result <= largest else NOT_ALLOWED


@njit(cache=True, nogil=True)
def sort_down(values):
    """Order a few values, largest first, in place."""
    for place in range(1, values.shape[0]):
        value, free = values[place], place
        while free > 0 and values[free - 1] < value:
            values[free] = values[free - 1]
            free -= 1
        values[free] = value


@njit(cache=True, nogil=True)
def key_of(numbers, target):
    """A hash of sorted numbers and the target, uint64."""
    word = mix(np.uint64(target) + INCREMENT)
    for number in numbers:
        word = mix(word ^ (np.uint64(number) + INCREMENT))
    return word


@njit(cache=True, nogil=True)
def keys_of(numbers, targets, keys):
    """The hashes of N problems, numbers [N, n] sorted, in ``keys`` uint64 [N]."""
    for row in range(keys.shape[0]):
        keys[row] = key_of(numbers[row], targets[row])


@njit(cache=True, nogil=True)
def draw_derivation(state, pool, largest, equations):
    """Random equations on ``pool`` [n], which is used up; the target, or NOT_ALLOWED where some equation is not."""
    result = NOT_ALLOWED
    for line in range(equations.shape[0]):
        left = pool.shape[0] - line
        first = below(state, left)
        second = below(state, left - 1)
        second += second >= first
        a, b = max(pool[first], pool[second]), min(pool[first], pool[second])
        sign = below(state, SIGNS)
        result = result_of(a, sign, b, largest)
        if result == NOT_ALLOWED:
            return NOT_ALLOWED
        equations[line] = a, sign, b, result
        pool[min(first, second)] = result
        pool[max(first, second)] = pool[left - 1]
    return result


@njit(cache=True, nogil=True)
def draw_problems(states, split_range, limits, numbers, targets, equations):
    """A problem for each stream of ``states`` uint64 [N] whose hash mod 100 lies in ``split_range`` (low, high).

    ``limits`` are the largest number, the least and the largest target, and the largest result. Fills ``numbers``
    [N, n], largest first, ``targets`` [N] and ``equations`` [N, n − 1, 4] (a, sign, b, c). Returns how many of the
    problems were found.
    """
    largest_number, least_target, largest_target, largest = limits
    pool = np.empty(numbers.shape[1], np.int64)
    for row in range(states.shape[0]):
        state = states[row : row + 1]
        found = False
        for _ in range(MOST_DRAWS):
            for place in range(pool.shape[0]):
                pool[place] = 1 + below(state, largest_number)
            sort_down(pool)
            numbers[row] = pool
            target = draw_derivation(state, pool, largest, equations[row])
            if least_target <= target <= largest_target:
                share = key_of(numbers[row], target) % np.uint64(100)
                if split_range[0] <= share < split_range[1]:
                    targets[row] = target
                    found = True
                    break
        if not found:
            return row
    return states.shape[0]


@njit(cache=True, nogil=True)
def hash_of(equations):
    """A hash of equations [m, 4] that is the same for every order of them."""
    total = np.uint64(0)
    for line in range(equations.shape[0]):
        word = np.uint64(0)
        for part in range(4):
            word = mix(word ^ (np.uint64(equations[line, part]) + INCREMENT))
        total += word
    return total


@njit(cache=True, nogil=True)
def next_equation(pool, count, at, largest):
    """Move ``at`` (places i < j of the pool, sign) to the next equation that is allowed; its result, or NOT_ALLOWED
    where there is no further one."""
    while True:
        at[2] += 1
        if at[2] == SIGNS:
            at[2] = 0
            at[1] += 1
            if at[1] == count:
                at[0] += 1
                at[1] = at[0] + 1
        if at[1] >= count:
            return NOT_ALLOWED
        a, b = max(pool[at[0]], pool[at[1]]), min(pool[at[0]], pool[at[1]])
        result = result_of(a, at[2], b, largest)
        if result != NOT_ALLOWED:
            return result


@njit(cache=True, nogil=True)
def put_result(pool, count, at, result, smaller):
    """Write to ``smaller`` the pool without the two numbers at the places of ``at``, and the result behind the rest."""
    left = 0
    for place in range(count):
        if place != at[0] and place != at[1]:
            smaller[left] = pool[place]
            left += 1
    smaller[left] = result


@njit(cache=True, nogil=True)
def search(numbers, target, largest, first, hashes, most):
    """Try every sequence of equations on ``numbers`` [n], depth first, until ``most`` derivations are found.

    Fills ``first`` [n − 1, 4] with the first derivation of the target, and ``hashes`` with a hash of each that is the
    same for every order of its equations. Returns the equations tried until the first derivation (all of them where
    there is none), and how many derivations there are with their orders. (numba does not load recursive functions from
    its cache, so that this is a loop.)
    """
    size = numbers.shape[0]
    pools = np.zeros((size, size), np.int64)
    pools[0] = numbers
    at = np.zeros((size, 3), np.int64)
    at[0] = 0, 1, -1
    equations = np.zeros((size - 1, 4), np.int64)
    depth, tried, tried_first, found = 0, 0, 0, 0
    while depth >= 0 and found < most:
        pool, count = pools[depth], size - depth
        result = next_equation(pool, count, at[depth], largest)
        if result == NOT_ALLOWED:
            depth -= 1
            continue
        tried += 1
        x, y = pool[at[depth, 0]], pool[at[depth, 1]]
        equations[depth] = max(x, y), at[depth, 2], min(x, y), result
        if count > 2:
            put_result(pool, count, at[depth], result, pools[depth + 1])
            depth += 1
            at[depth] = 0, 1, -1
        elif result == target:
            if found == 0:
                tried_first = tried
                first[:] = equations
            if found < hashes.shape[0]:
                hashes[found] = hash_of(equations)
            found += 1
    return tried_first if found else tried, found


@njit(cache=True, nogil=True)
def search_rows(numbers, targets, largest, first, tried, counts):
    """Search N problems in full: numbers [N, n], targets [N]. Fills ``first`` [N, n − 1, 4], ``tried`` [N] as `search`
    does, and ``counts`` [N], the derivations that differ in more than the order of their equations."""
    hashes = np.zeros(MOST_FOUND, np.uint64)
    for row in range(numbers.shape[0]):
        tried[row], found = search(numbers[row], targets[row], largest, first[row], hashes, NO_LIMIT)
        counts[row] = np.unique(hashes[: min(found, MOST_FOUND)]).shape[0]


@njit(cache=True, nogil=True)
def first_rows(numbers, targets, largest, first):
    """The first derivations of N problems that have one, in ``first`` [N, n − 1, 4]."""
    hashes = np.zeros(1, np.uint64)
    for row in range(numbers.shape[0]):
        search(numbers[row], targets[row], largest, first[row], hashes, 1)
