"""The exact solver: the compiled search of Sudoku, which is a graph colouring itself.

It follows naked singles (a node with one colour left) and assumes a colour at the node with the fewest left. Its own
numbers are the difficulty; a SAT solver (python-sat) would count conflicts of its heuristics instead, which depend on
its version, and needs a call for each of the solutions.
"""

import numpy as np
from numba import njit

from adaptive_diffusion.tasks.sudoku.kernels import search

SOLUTIONS_COUNTED = 1_000
GUESS_LIMIT = 20_000
MOST_COLOURS = 8


@njit(cache=True, nogil=True)
def search_graphs(adjacency, given, colour_count, limit, guess_limit, colours, solutions, guesses):
    """`search` each of the graphs [N, n, n]; `colours` [N, n] receive the first solutions."""
    count, nodes = given.shape
    no_units = np.empty((0, 1), np.int64)
    candidates = np.empty(nodes + 1, np.int64)
    solution = np.empty(nodes + 1, np.int64)
    for row in range(count):
        neighbours = np.full((nodes + 1, nodes), nodes)
        neighbours[nodes] = 0
        candidates[nodes] = 1 << MOST_COLOURS  # a node that fills up lists of neighbours, with a colour of its own
        for node in range(nodes):
            candidates[node] = 1 << (given[row, node] - 1) if given[row, node] else (1 << colour_count) - 1
            degree = 0
            for other in range(nodes):
                if adjacency[row, node, other]:
                    neighbours[node, degree] = other
                    degree += 1
        solutions[row], guesses[row] = search(candidates, neighbours, no_units, limit, guess_limit, solution)
        if solutions[row] > 0:
            for node in range(nodes):
                colour = 1
                while solution[node] >> colour:
                    colour += 1
                colours[row, node] = colour


def solve(adjacency: np.ndarray, given: np.ndarray, colour_count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour graphs bool [N, n, n] with `given` uint8 [N, n] colours (0 where none is given).

    Returns:
        colours: uint8 [N, n], the first solution; zeros where there is none.
        solutions: int64 [N], how many there are, at most `SOLUTIONS_COUNTED`.
        dead_ends: int64 [N], leaves of the search tree that are no solution; they do not depend on the names of the
            colours. 0 where the search stopped at `SOLUTIONS_COUNTED`; −1 where it gave up after `GUESS_LIMIT` guesses.
    """
    colours = np.zeros_like(given)
    solutions, guesses = np.zeros((2, len(given)), dtype=np.int64)
    search_graphs(adjacency, given, colour_count, SOLUTIONS_COUNTED, GUESS_LIMIT, colours, solutions, guesses)
    # A node of the tree with m colours left has m − 1 guesses, so that the leaves are one more than the guesses.
    dead_ends = np.where(solutions < SOLUTIONS_COUNTED, guesses + 1 - solutions, 0)
    return colours, solutions, np.where(guesses > GUESS_LIMIT, -1, dead_ends)
