"""Problems from random derivations, in splits that share no problem."""

import numpy as np
import torch

from adaptive_diffusion.tasks.countdown.kernels import draw_problems, first_rows, keys_of
from adaptive_diffusion.tasks.countdown.problems import CountdownProblems, Limits
from adaptive_diffusion.tasks.random_streams import start_rows
from adaptive_diffusion.tasks.splits import index_of, share_of

DOUBLINGS = 7


def generate(limits: Limits, count: int, split: str = "train", seed: int = 0, first: int = 0) -> CountdownProblems:
    """Problems ``first`` to ``first + count − 1`` of the endless list that (limits, split, seed) names.

    Numbers are drawn uniformly; then, until one is left, two of them and a sign, and the result takes their place. What
    leaves the limits is drawn anew. The reference is not this derivation but the first one of `solver.solve`, so that
    equal problems have equal references. Problem n is the same whatever the range it is generated in. The same problem
    may come twice. Runs outside the interpreter lock.

    Raises:
        ValueError: an unknown split, a negative seed or range, or limits within which hardly any problem lies.
    """
    share = share_of(split)
    if min(count, seed, first) < 0:
        raise ValueError(f"count, seed and first must not be negative; got {count}, {seed}, {first}")
    states = np.empty(count, dtype=np.uint64)
    start_rows(seed, index_of(split), first, states)
    numbers = np.zeros((count, limits.numbers), dtype=np.int64)
    targets = np.zeros(count, dtype=np.int64)
    equations = np.zeros((count, limits.numbers - 1, 4), dtype=np.int64)
    bounds = (limits.largest_number, limits.least_target, limits.largest_target, limits.largest)
    if draw_problems(states, share, bounds, numbers, targets, equations) < count:
        raise ValueError(f"hardly any problem of {split} lies within {limits}; widen the limits")
    first_rows(numbers, targets, limits.largest, equations)
    return CountdownProblems(*map(torch.from_numpy, (numbers, targets, equations)))


def distinct(limits: Limits, count: int, split: str, seed: int) -> CountdownProblems:
    """The first ``count`` problems of a list of which no two have the same numbers and target.

    Raises:
        ValueError: limits within which there are too few of them.
    """
    found = generate(limits, 0, split, seed)
    for generated in (count << doubling for doubling in range(DOUBLINGS)):
        found = generate(limits, generated, split, seed)
        found = found.take(first_of_each(found))
        if len(found) >= count:
            return found.take(slice(count))
    raise ValueError(f"{split} has hardly more than {len(found)} problems within {limits}; ask for fewer than {count}")


def first_of_each(problems: CountdownProblems) -> torch.Tensor:
    """int64, where each problem comes first, ascending."""
    keys = np.empty(len(problems), dtype=np.uint64)
    keys_of(problems.numbers.numpy(), problems.target.numpy(), keys)
    return torch.from_numpy(np.sort(np.unique(keys, return_index=True)[1]))
