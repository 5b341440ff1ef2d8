"""The compiled core: random clauses, and a hash that renaming and negating variables does not change."""

import numpy as np
from numba import njit

from adaptive_diffusion.tasks.random_streams import INCREMENT, below, mix

ROUNDS = 4
POSITIVE, NEGATIVE = np.uint64(0x51AFD7ED558CCD29), np.uint64(0xC4CEB9FE1A85EC53)


@njit(cache=True, nogil=True)
def draw_clause(state, variables, clause):
    """Three different variables in ascending order, each negated with probability ½."""
    clause[0] = below(state, variables)
    clause[1] = below(state, variables - 1)
    clause[1] += clause[1] >= clause[0]
    low, high = min(clause[0], clause[1]), max(clause[0], clause[1])
    last = below(state, variables - 2)
    last += last >= low
    last += last >= high
    clause[0], clause[2] = min(low, last), max(high, last)
    clause[1] = low + high + last - clause[0] - clause[2]
    for place in range(3):
        clause[place] = (clause[place] + 1) * (1 - 2 * below(state, 2))


@njit(cache=True, nogil=True)
def code_of(clause, variables):
    """A number for a clause, in the order of its variables and then of its signs."""
    code, signs = 0, 0
    for place in range(3):
        code = code * (variables + 1) + abs(clause[place])
        signs = 2 * signs + (clause[place] < 0)
    return 8 * code + signs


@njit(cache=True, nogil=True)
def draw_formulas(states, rows, variables, clauses):
    """Write to ``clauses`` [N, m, 3] at each of ``rows`` the next m different clauses of its stream, in order."""
    drawn = np.empty(3, np.int64)
    codes = np.empty(clauses.shape[1], np.int64)
    for row in rows:
        state = states[row : row + 1]
        count = 0
        while count < clauses.shape[1]:
            draw_clause(state, variables, drawn)
            code = code_of(drawn, variables)
            place = np.searchsorted(codes[:count], code)
            if place < count and codes[place] == code:
                continue
            for later in range(count, place, -1):
                codes[later] = codes[later - 1]
                clauses[row, later] = clauses[row, later - 1]
            codes[place] = code
            clauses[row, place] = drawn
            count += 1


@njit(cache=True, nogil=True)
def key_of(clauses, variables):
    """A hash of clauses [m, 3], uint64, that is the same for all formulas that differ in the names of variables, in
    which variables are negated, and in the order of clauses and literals.

    Colours of literals and clauses are refined in turns (Weisfeiler and Leman 1968), and the clauses' last ones summed.
    Other formulas may share a hash.
    """
    colours = np.ones(2 * variables, np.uint64)
    sums = np.zeros(2 * variables, np.uint64)
    total = np.uint64(0)
    for _ in range(ROUNDS):
        sums[:] = 0
        total = np.uint64(0)
        for number in range(clauses.shape[0]):
            colour = np.uint64(0)
            for literal in clauses[number]:
                if literal:
                    colour += mix(colours[2 * (abs(literal) - 1) + (literal < 0)])
            colour = mix(colour + INCREMENT)
            total += colour
            for literal in clauses[number]:
                if literal:
                    sums[2 * (abs(literal) - 1) + (literal < 0)] += colour
        for place in range(2 * variables):
            colours[place] = mix(mix(sums[place] + POSITIVE) + mix(sums[place ^ 1] + NEGATIVE))
    return mix(total)


@njit(cache=True, nogil=True)
def keys_of(clauses, variables, keys):
    """The hashes of formulas [N, m, 3] in ``keys`` uint64 [N]."""
    for row in range(keys.shape[0]):
        keys[row] = key_of(clauses[row], variables)
