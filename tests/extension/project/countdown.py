"""Countdown with three numbers: reach the target with each number once and +, − or ×, from left to right."""

from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.core.layout import GridLayout
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.tasks.data import TaskData
from adaptive_diffusion.tasks.lines import BadLines, numbered_lines
from adaptive_diffusion.tasks.task import Correctness, Difficulty, QueryFile, Task

MOST = 100  # tokens below are numbers, tokens from here on are signs
SIGNS = "+−×"
ORDERS = torch.tensor(list(permutations(range(3))))
PAIRS = torch.tensor(list(product(range(3), repeat=2)))
GIVEN = torch.tensor([1, 1, 1, 0, 0, 0, 0, 0, 1]).bool()


@dataclass(frozen=True)
class Problems(Rows):
    """`numbers` [N, 3] in 1..9, `target` [N] in 0..99, `solution` [N, 5]: number, sign, number, sign, number."""

    numbers: Tensor
    target: Tensor
    solution: Tensor

    def __len__(self) -> int:
        return len(self.target)


class Countdown(Task):
    """A sequence is a board of 3 × 3: the numbers; number, sign, number; sign, number, target."""

    name, noun, length, vocabulary = "countdown", "problem", 9, MOST + len(SIGNS)
    difficulties = (Difficulty("misses", "expressions of 54 that miss the target", edges=(0, 50, 52, 53)),)
    layout = GridLayout(3, 3, 1, 3, (*map(str, range(MOST)), *SIGNS))

    def queries(self, problems):
        return Queries.of(self.targets(problems), (~GIVEN).expand(len(problems), -1))

    def targets(self, problems):
        return torch.cat([problems.numbers, problems.solution, problems.target[:, None]], 1)

    def verify(self, answers, problems):
        expression, right = answers[:, 3:8], self.targets(problems)
        used = expression[:, [0, 2, 4]].sort(1).values == problems.numbers.sort(1).values
        signs = (expression[:, [1, 3]] - MOST).clamp(0, 2)
        reaches = value(expression[:, [0, 2, 4]], signs) == problems.target
        formed = (expression[:, [1, 3]] >= MOST).all(1) & (answers == right)[:, GIVEN].all(1)
        return Correctness(exact=(answers == right).all(1), valid=used.all(1) & reaches & formed)

    def difficulty(self, problems):
        found = all_values(problems.numbers) == problems.target[:, None]
        return {"misses": (~found).sum(1)}

    def read(self, path: Path, skip_bad: bool) -> QueryFile:
        """One problem per line: three numbers and the target, such as `3 5 7 22`."""
        bad, found = BadLines(path), []
        for number, line in numbered_lines(path, bad):
            try:
                found.append(problem(*map(int, line.split())))
            except (ValueError, TypeError) as error:
                bad.add(number, f"{error}; write three numbers and a target")
        return QueryFile(in_columns(found), tuple(map(str, bad.settled(skip_bad))))

    def decode(self, tokens):
        *_, a, first, b, second, c, target = (self.layout.symbols[token] if token >= 0 else "?" for token in tokens)
        return f"({a} {first} {b}) {second} {c} = {target}"


class CountdownData(TaskData):
    """Problems by their number; one in five sets of numbers is held out of training."""

    task = Countdown()

    def __init__(self, held_out_problems: int = 500, **options):
        super().__init__(**options)
        self.size = held_out_problems

    def training(self, position, count):
        return made(range(position, position + count), self.seed, held_out=False)

    def held_out(self, split):
        first = {"validation": 0, "test": self.size}[split]
        return made(range(first, first + self.size), self.evaluation_seed, held_out=True)


def value(numbers: Tensor, signs: Tensor) -> Tensor:
    """(a ∘ b) ∘ c for numbers [..., 3] and signs [..., 2]."""
    a, b, c = numbers.unbind(-1)
    for sign, other in ((signs[..., 0], b), (signs[..., 1], c)):
        a = torch.stack([a + other, a - other, a * other], -1).gather(-1, sign[..., None])[..., 0]
    return a


def all_values(numbers: Tensor) -> Tensor:
    """[N, 54]: the values of all expressions of numbers [N, 3]."""
    orders = numbers[:, ORDERS][:, :, None].expand(-1, -1, len(PAIRS), -1)
    return value(orders, PAIRS.expand(len(numbers), len(ORDERS), -1, -1)).flatten(1)


def problem(a: int, b: int, c: int, target: int) -> tuple[list[int], int, list[int]]:
    """A problem with its first solution.

    Raises:
        ValueError: numbers outside 1..9, or a target that they do not reach.
    """
    reached = (all_values(torch.tensor([[a, b, c]]))[0] == target).nonzero()
    if not all(1 <= number <= 9 for number in (a, b, c)) or not 0 <= target < MOST or not len(reached):
        raise ValueError(f"{a}, {b}, {c} must be from 1 to 9 and reach {target}")
    order, pair = divmod(int(reached[0]), len(PAIRS))
    (x, y, z), (first, second) = (torch.tensor([a, b, c])[ORDERS[order]].tolist(), (PAIRS[pair] + MOST).tolist())
    return [a, b, c], target, [x, first, y, second, z]


def made(positions: range, seed: int, held_out: bool) -> Problems:
    """Problem n depends on the seed and n alone."""
    found = []
    for position in positions:
        random = np.random.default_rng([seed, position, held_out])
        while True:
            numbers, signs = random.integers(1, 10, 3), random.integers(0, 3, 2)
            target = int(value(torch.from_numpy(numbers), torch.from_numpy(signs)))
            if 0 <= target < MOST and (sum(sorted(numbers) * np.array([1, 9, 81])) % 5 == 0) == held_out:
                break
        a, b, c = numbers.tolist()
        first, second = (signs + MOST).tolist()
        found.append((random.permutation(numbers).tolist(), target, [a, first, b, second, c]))
    return in_columns(found)


def in_columns(found: list[tuple[list[int], int, list[int]]]) -> Problems:
    """The problems as tensors; there may be none, of a file without a good line."""
    return Problems(*(torch.tensor([one[column] for one in found]) for column in range(3)))
