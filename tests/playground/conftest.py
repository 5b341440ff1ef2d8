"""A small task with an untrained model, as a playground."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
import torch
from small_worlds import transformer

from adaptive_diffusion.core.layout import GridLayout, TextLayout
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.playground.session import Playground
from adaptive_diffusion.runs.trained_model import TrainedModel
from adaptive_diffusion.tasks.task import Correctness, QueryFile, Task

LENGTH, VOCABULARY = 9, 5


@dataclass(frozen=True)
class Shown(Rows):
    """Sequences of which some positions are given."""

    tokens: torch.Tensor
    editable: torch.Tensor

    def __len__(self) -> int:
        return len(self.tokens)


class Digits(Task):
    """Nine digits below 5; an answer is correct when it has what was given. Files have a digit or a point for each."""

    name, length, vocabulary, noun = "digits", LENGTH, VOCABULARY, "row"

    def __init__(self, grid: bool = True):
        symbols = tuple("01234")
        self.drawing = GridLayout(3, 3, 3, 3, symbols) if grid else TextLayout(symbols)

    @property
    def layout(self):
        return self.drawing

    def queries(self, problems):
        return Queries.of(problems.tokens, problems.editable)

    def verify(self, answers, problems):
        right = ((answers == problems.tokens) | problems.editable).all(1)
        return Correctness(right, right)

    def difficulty(self, problems):
        return {}

    def read(self, path, skip_bad):
        rows = path.read_text().split()
        for row in rows:
            if len(row) != LENGTH or set(row) - set("01234."):
                raise ValueError(f"{path}: {row!r} is no row of {LENGTH} digits")
        tokens = np.array([[0 if sign == "." else int(sign) for sign in row] for row in rows]).reshape(-1, LENGTH)
        editable = np.array([[sign == "." for sign in row] for row in rows]).reshape(-1, LENGTH)
        return QueryFile(Shown(torch.from_numpy(tokens), torch.from_numpy(editable)))

    def decode(self, tokens):
        return "".join(map(str, tokens.tolist()))


class Data:
    """Five held-out problems."""

    def __init__(self, task: Task):
        self.task = task

    @cached_property
    def test(self) -> Shown:
        generator = torch.Generator().manual_seed(0)
        tokens = torch.randint(VOCABULARY, (5, LENGTH), generator=generator)
        return Shown(tokens, torch.rand(5, LENGTH, generator=generator) < 0.7)


@pytest.fixture
def playground() -> Playground:
    trained = TrainedModel(DenoiserWithHeads(transformer(VOCABULARY, LENGTH)), Data(Digits()), ())
    return Playground(trained, "nowhere")
