"""A task of your own: sort five digits. Run it with: python examples/own_task.py"""

import sys
from dataclasses import dataclass

import torch
from plain_training import compare, train

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.tasks.data import TaskData
from adaptive_diffusion.tasks.task import Correctness, Difficulty, QueryFile, Task


@dataclass(frozen=True)
class Lists(Rows):
    digits: torch.Tensor  # [N, 5]

    def __len__(self):
        return len(self.digits)


class Sorting(Task):
    name, noun, length, vocabulary = "sorting", "list", 10, 10  # five digits, and the same five in order
    difficulties = (Difficulty("inversions", "pairs in the wrong order"),)

    def targets(self, problems):
        return torch.cat([problems.digits, problems.digits.sort(1).values], 1)

    def queries(self, problems):
        return Queries.of(self.targets(problems), (torch.arange(10) >= 5).expand(len(problems), 10))

    def verify(self, answers, problems):
        right = (answers == self.targets(problems)).all(1)
        return Correctness(exact=right, valid=right)

    def difficulty(self, problems):
        return {"inversions": (problems.digits[:, :, None] > problems.digits[:, None]).triu(1).sum((1, 2))}

    def read(self, path, skip_bad):
        return QueryFile(Lists(torch.tensor([[*map(int, line.split())] for line in path.read_text().splitlines()])))

    def decode(self, tokens):
        return " ".join(map(str, tokens[5:].tolist()))


class SortingData(TaskData):
    task = Sorting()

    def training(self, position, count):  # list n depends on the seed and n alone
        seeds = range(10**9 * self.seed + position, 10**9 * self.seed + position + count)
        return Lists(torch.stack([torch.randint(10, (5,), generator=torch.Generator().manual_seed(s)) for s in seeds]))

    def held_out(self, split):
        return self.training({"validation": 5 * 10**8, "test": 6 * 10**8}[split], 200)


if __name__ == "__main__":
    data = SortingData(batch_size=128)
    compare(train(data, steps=int(*sys.argv[1:] or [400])), data)
