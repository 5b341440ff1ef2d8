"""The compiled core: solver and generator, one puzzle at a time.

One file, because numba's cache watches only the file of the function it compiled: a change in another file would leave
stale machine code behind. A grid is a row-major vector [L] of digits 1..n, 0 where blank; a mask holds bit d − 1 where
digit d is still possible.
"""

import numpy as np
from numba import njit

from adaptive_diffusion.tasks.random_streams import below, shuffle

BITS = np.array([mask.bit_count() for mask in range(1 << 9)])  # the number of digits in each mask
GUESS_LIMIT = 50_000


@njit(cache=True, nogil=True)
def candidates_of(puzzle, size, candidates):
    """Masks of a puzzle's digits: one bit at a clue, all ``size`` bits where it is blank."""
    for cell in range(puzzle.shape[0]):
        candidates[cell] = 1 << (puzzle[cell] - 1) if puzzle[cell] else (1 << size) - 1


@njit(cache=True, nogil=True)
def digits_of(candidates, grid):
    """The digits of settled masks."""
    for cell in range(candidates.shape[0]):
        digit = 1
        while candidates[cell] >> digit:
            digit += 1
        grid[cell] = digit


@njit(cache=True, nogil=True)
def propagate(candidates, queue, queued, peers):
    """Follow naked singles to their fixed point, in place; False where a cell is left without a candidate.

    ``queue[:queued]`` holds the settled cells whose digit has still to be removed from their peers.
    """
    while queued > 0:
        queued -= 1
        cell = queue[queued]
        digit = candidates[cell]
        for place in range(peers.shape[1]):
            peer = peers[cell, place]
            mask = candidates[peer]
            if mask & digit:
                mask &= ~digit
                if mask == 0:
                    return False
                candidates[peer] = mask
                if mask & (mask - 1) == 0:
                    queue[queued] = peer
                    queued += 1
    return True


@njit(cache=True, nogil=True)
def place_hidden_singles(candidates, queue, units, unit):
    """Settle the cells of a unit that alone can hold some digit, and queue them: how many; −1 at a contradiction."""
    size = units.shape[1]
    once = 0
    twice = 0
    for place in range(size):
        mask = candidates[units[unit, place]]
        twice |= once & mask
        once |= mask
    if once != (1 << size) - 1:
        return -1
    hidden = once & ~twice
    queued = 0
    if hidden:
        for place in range(size):
            cell = units[unit, place]
            digit = candidates[cell] & hidden
            if digit & (digit - 1):
                return -1
            if digit and digit != candidates[cell]:
                candidates[cell] = digit
                queue[queued] = cell
                queued += 1
    return queued


@njit(cache=True, nogil=True)
def infer(candidates, queue, queued, peers, units):
    """Naked singles, and hidden singles in ``units``, to their common fixed point; False at a contradiction."""
    unit = 0
    while True:
        if queued > 0:
            if not propagate(candidates, queue, queued, peers):
                return False
            unit = 0
        if unit == units.shape[0]:
            return True
        queued = place_hidden_singles(candidates, queue, units, unit)
        if queued < 0:
            return False
        unit += 1


@njit(cache=True, nogil=True)
def most_constrained(candidates):
    """The first open cell with the fewest candidates, or −1 where every cell is settled."""
    best = -1
    fewest = 64
    for cell in range(candidates.shape[0]):
        count = BITS[candidates[cell]]
        if 1 < count < fewest:
            fewest = count
            best = cell
            if count == 2:
                break
    return best


@njit(cache=True, nogil=True)
def search(candidates, peers, units, limit, guess_limit, solution):
    """Count the grids within ``candidates`` [L], at most ``limit``; returns (solutions found, guesses).

    Hidden singles are looked for in ``units`` alone. The first solution's masks are written to ``solution`` [L]. The
    search ends unfinished, with ``guess_limit`` + 1 guesses, where it needs more than ``guess_limit``.
    """
    length = candidates.shape[0]
    stack = np.empty((length + 1, length), np.int64)
    cells = np.empty(length + 1, np.int64)
    untried = np.empty(length + 1, np.int64)
    queue = np.empty(length, np.int64)
    stack[0] = candidates
    queued = 0
    for cell in range(length):
        mask = candidates[cell]
        if mask & (mask - 1) == 0:
            queue[queued] = cell
            queued += 1
    solutions = 0
    guesses = 0
    depth = 0
    consistent = infer(stack[0], queue, queued, peers, units)
    while True:
        cell = most_constrained(stack[depth]) if consistent else -1
        if cell >= 0:
            cells[depth] = cell
            untried[depth] = stack[depth, cell]
        else:
            if consistent:
                if solutions == 0:
                    solution[:] = stack[depth]
                solutions += 1
                if solutions == limit:
                    return solutions, guesses
            depth -= 1
            while depth >= 0 and untried[depth] == 0:
                depth -= 1
            if depth < 0:
                return solutions, guesses
        mask = untried[depth]
        untried[depth] = mask & (mask - 1)
        if untried[depth]:  # the last digit left is no guess
            guesses += 1
            if guesses > guess_limit:
                return solutions, guesses
        stack[depth + 1] = stack[depth]
        stack[depth + 1, cells[depth]] = mask & -mask
        queue[0] = cells[depth]
        depth += 1
        consistent = infer(stack[depth], queue, 1, peers, units)


@njit(cache=True, nogil=True)
def search_rows(puzzles, size, peers, units, limit, guess_limit, grids, counts, guesses):
    """``search`` each of the puzzles [N, L]; ``grids`` [N, L] receive the first solutions."""
    candidates = np.empty(puzzles.shape[1], np.int64)
    solution = np.empty(puzzles.shape[1], np.int64)
    for row in range(puzzles.shape[0]):
        candidates_of(puzzles[row], size, candidates)
        counts[row], guesses[row] = search(candidates, peers, units, limit, guess_limit, solution)
        if counts[row] > 0:
            digits_of(solution, grids[row])


@njit(cache=True, nogil=True)
def random_digit(state, mask):
    """One bit of ``mask``, each equally likely."""
    for _ in range(below(state, BITS[mask])):
        mask &= mask - 1
    return mask & -mask


@njit(cache=True, nogil=True)
def random_grid(state, size, peers, candidates, queue, grid):
    """Fill ``grid`` [L]: random digits at the most constrained cells, from the beginning after a contradiction.

    Every grid is possible and relabelled grids are equally likely; the distribution is not exactly uniform.
    """
    settled = False
    while not settled:
        candidates[:] = (1 << size) - 1
        consistent = True
        while consistent and not settled:
            cell = most_constrained(candidates)
            if cell < 0:
                settled = True
            else:
                candidates[cell] = random_digit(state, candidates[cell])
                queue[0] = cell
                consistent = propagate(candidates, queue, 1, peers)
    digits_of(candidates, grid)


@njit(cache=True, nogil=True)
def draw_grids(states, rows, size, peers, grids):
    """The next random grid of each stream among ``rows``, written to its row of ``grids`` [N, L]."""
    candidates = np.empty(peers.shape[0], np.int64)
    queue = np.empty(peers.shape[0], np.int64)
    for row in rows:
        random_grid(states[row : row + 1], size, peers, candidates, queue, grids[row])


@njit(cache=True, nogil=True)
def removable(puzzle, cell, size, peers, units, candidates, solution):
    """Whether a unique puzzle stays unique without its clue at ``cell``: no grid has another digit there."""
    digit = puzzle[cell]
    others = (1 << size) - 1
    for peer in peers[cell]:
        if puzzle[peer]:
            others &= ~(1 << (puzzle[peer] - 1))
    others &= ~(1 << (digit - 1))
    if others == 0:
        return True
    candidates_of(puzzle, size, candidates)
    candidates[cell] = others
    found, guesses = search(candidates, peers, units, 1, GUESS_LIMIT, solution)
    return found == 0 and guesses <= GUESS_LIMIT


@njit(cache=True, nogil=True)
def remove_clues(states, fewest, most, size, peers, units, puzzles):
    """Blank cells of unique ``puzzles`` [N, L] in random order while they stay unique.

    Each stops at its target, a number of clues drawn from ``fewest`` to ``most``.
    """
    length = peers.shape[0]
    candidates = np.empty(length, np.int64)
    solution = np.empty(length, np.int64)
    order = np.empty(length, np.int64)
    for row in range(puzzles.shape[0]):
        state = states[row : row + 1]
        puzzle = puzzles[row]
        target = fewest + below(state, most - fewest + 1)
        order[:] = np.arange(length)
        shuffle(state, order)
        left = np.count_nonzero(puzzle)
        for cell in order:
            if left == target:
                break
            if puzzle[cell] and removable(puzzle, cell, size, peers, units, candidates, solution):
                puzzle[cell] = 0
                left -= 1
