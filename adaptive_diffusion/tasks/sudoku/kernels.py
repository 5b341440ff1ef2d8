"""The compiled core: random integers, split hash, solver and generator, a puzzle at a time.

One file, because numba's cache watches no more than the file of the function it compiled: across files an edit would
leave stale machine code behind. A grid is a row-major vector [L] of digits 1..n, 0 where blank; a mask holds bit
d − 1 where digit d may still stand.
"""

import numpy as np
from numba import njit

INCREMENT = np.uint64(0x9E3779B97F4A7C15)
# Chosen so that the twelve 4×4 grids (up to relabelling) fall into all three splits.
SPLIT_SALT = np.uint64(3)
VALIDATION_FROM, TEST_FROM = 80, 90  # per cent
GUESS_LIMIT = 1_000_000

# --- random integers: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). Our own few lines rather than a library's
# stream, so that puzzle n of a seed is the same puzzle whatever version of numpy or numba generates it.


@njit(cache=True, nogil=True)
def mix(word):
    """A bijection of 64-bit words that scatters neighbours."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@njit(cache=True, nogil=True)
def start(state, seed, stream, index):
    """Set ``state`` uint64 [1] to the beginning of a stream of its own for (seed, stream, index)."""
    word = mix(np.uint64(seed) + INCREMENT)
    word = mix(word ^ (np.uint64(stream) + INCREMENT))
    state[0] = mix(word ^ (np.uint64(index) + INCREMENT))


@njit(cache=True, nogil=True)
def below(state, bound):
    """The next integer from 0 to bound − 1."""
    state[0] += INCREMENT
    return np.int64(((mix(state[0]) >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@njit(cache=True, nogil=True)
def shuffle(state, values):
    """Permute ``values`` uniformly, in place (Fisher and Yates)."""
    for last in range(values.shape[0] - 1, 0, -1):
        other = below(state, last + 1)
        values[last], values[other] = values[other], values[last]


# --- split


@njit(cache=True, nogil=True)
def split_index(grid, size):
    """0, 1 or 2 for a solution grid [L] of training, validation or test."""
    label = np.empty(size + 1, np.uint64)
    for column in range(size):
        label[grid[column]] = np.uint64(column)
    word = SPLIT_SALT
    for cell in range(size, grid.shape[0]):
        word = mix(word + INCREMENT + label[grid[cell]])
    share = np.int64(word % np.uint64(100))
    if share < VALIDATION_FROM:
        return 0
    return 1 if share < TEST_FROM else 2


@njit(cache=True, nogil=True)
def split_indices(grids, size, indices):
    for row in range(grids.shape[0]):
        indices[row] = split_index(grids[row], size)


# --- solver


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

    ``queue[:queued]`` holds the cells whose single candidate their peers have not been told yet.
    """
    while queued > 0:
        queued -= 1
        cell = queue[queued]
        digit = candidates[cell]
        for peer in peers[cell]:
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
def count_bits(mask):
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@njit(cache=True, nogil=True)
def most_constrained(candidates):
    """The first open cell with the fewest candidates, or −1 where every cell is settled."""
    best = -1
    fewest = 64
    for cell in range(candidates.shape[0]):
        count = count_bits(candidates[cell])
        if 1 < count < fewest:
            fewest = count
            best = cell
            if count == 2:
                break
    return best


@njit(cache=True, nogil=True)
def search(candidates, peers, limit, guess_limit, solution):
    """Count the grids within ``candidates`` [L], at most ``limit``; returns (solutions, guesses).

    The first one's masks are written to ``solution`` [L]. Past ``guess_limit`` guesses the count is −1.
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
    consistent = propagate(stack[0], queue, queued, peers)
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
                return -1, guesses
        stack[depth + 1] = stack[depth]
        stack[depth + 1, cells[depth]] = mask & -mask
        queue[0] = cells[depth]
        depth += 1
        consistent = propagate(stack[depth], queue, 1, peers)


@njit(cache=True, nogil=True)
def solve_rows(puzzles, size, peers, limit, guess_limit, grids, counts, guesses):
    candidates = np.empty(puzzles.shape[1], np.int64)
    solution = np.empty(puzzles.shape[1], np.int64)
    for row in range(puzzles.shape[0]):
        candidates_of(puzzles[row], size, candidates)
        counts[row], guesses[row] = search(candidates, peers, limit, guess_limit, solution)
        if counts[row] > 0:
            digits_of(solution, grids[row])


# --- generator


@njit(cache=True, nogil=True)
def random_digit(state, mask):
    """One bit of ``mask``, each equally likely."""
    for _ in range(below(state, count_bits(mask))):
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
def removable(puzzle, cell, size, peers, candidates, solution):
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
    return search(candidates, peers, 1, GUESS_LIMIT, solution)[0] == 0


@njit(cache=True, nogil=True)
def generate_rows(seed, split, first, fewest, most, size, peers, puzzles, solutions):
    length = peers.shape[0]
    state = np.empty(1, np.uint64)
    candidates = np.empty(length, np.int64)
    solution = np.empty(length, np.int64)
    queue = np.empty(length, np.int64)
    order = np.arange(length)
    for row in range(puzzles.shape[0]):
        start(state, seed, split, first + row)
        grid = solutions[row]
        random_grid(state, size, peers, candidates, queue, grid)
        while split_index(grid, size) != split:
            random_grid(state, size, peers, candidates, queue, grid)
        target = fewest + below(state, most - fewest + 1)
        order[:] = np.arange(length)
        shuffle(state, order)
        puzzle = puzzles[row]
        puzzle[:] = grid
        left = length
        for cell in order:
            if left == target:
                break
            if removable(puzzle, cell, size, peers, candidates, solution):
                puzzle[cell] = 0
                left -= 1
