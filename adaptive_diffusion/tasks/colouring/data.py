"""Graphs to colour, for training and evaluation."""

from collections.abc import Sequence
from typing import Literal

from adaptive_diffusion.core.parameters import two_numbers
from adaptive_diffusion.tasks.colouring.generator import distinct, generate
from adaptive_diffusion.tasks.colouring.graphs import Graphs
from adaptive_diffusion.tasks.colouring.task import ColouringTask
from adaptive_diffusion.tasks.data import TaskData, at_least_one


class ColouringData(TaskData):
    """Random graphs of one size. No held-out graph is isomorphic to a training graph or to another one of
    its set, whatever colours are given.

    Args:
        nodes, colours: of a graph.
        degree: lowest and highest mean degree, drawn uniformly.
        given: fewest and most nodes whose colour is given, drawn uniformly.
        searched: share of the graphs with at least one dead end in their search tree.
        batch_size: training graphs of a batch.
        seed: keys the training graphs.
        validation_graphs, test_graphs: sizes of the fixed sets.
        evaluation_batch_size: graphs of a batch of validation and test.
        evaluation_seed: keys the fixed sets.
        threads: threads that make training graphs ahead.

    Raises:
        ValueError: a size below 1, colours outside 2..8, ranges that are none, or sets larger than the number of graphs
            that are not isomorphic.
    """

    task: ColouringTask

    def __init__(
        self,
        nodes: int,
        colours: int = 3,
        degree: Sequence[float] = (3.5, 5.0),
        given: Sequence[int] = (1, 4),
        searched: float = 0.5,
        batch_size: int = 256,
        seed: int = 0,
        validation_graphs: int = 1000,
        test_graphs: int = 2000,
        evaluation_batch_size: int = 500,
        evaluation_seed: int = 0,
        threads: int = 1,
    ) -> None:
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size, threads)
        at_least_one(validation_graphs=validation_graphs, test_graphs=test_graphs)
        self.task = ColouringTask(nodes, colours)
        lowest, highest = two_numbers("ColouringData", "degree", degree, float, "[3.5,5.0]")
        fewest, most = two_numbers("ColouringData", "given", given, int, "[1,4]")
        self.degree, self.given = (lowest, highest), (fewest, most)
        self.searched = searched
        self.sizes = {"validation": validation_graphs, "test": test_graphs}

    def training(self, position: int, count: int) -> Graphs:
        return self._made(count, "train", self.seed, position)

    def held_out(self, split: Literal["validation", "test"]) -> Graphs:
        return distinct(self.sizes[split], lambda first, count: self._made(count, split, self.evaluation_seed, first))

    def _made(self, count: int, split: str, seed: int, first: int) -> Graphs:
        task = self.task
        ranges = (self.degree, self.given, self.searched)
        return generate(task.nodes, task.colours, count, split, seed, first, *ranges)
