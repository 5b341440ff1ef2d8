"""Graph colouring completion as a task: colour the remaining nodes, no edge between two nodes of one colour."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from adaptive_diffusion.core.layout import GridLayout
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.colouring.generator import check_size
from adaptive_diffusion.tasks.colouring.graphs import Graphs
from adaptive_diffusion.tasks.colouring.readers import read_graphs
from adaptive_diffusion.tasks.task import Correctness, Difficulty, QueryFile, Task


@dataclass(frozen=True)
class ColouringTask(Task):
    """Proper colourings of graphs of n `nodes` with k `colours`; the problems are `Graphs`.

    A sequence is the adjacency matrix row by row, with the colours of the nodes on its diagonal: token c − 1 is colour
    c, token k no edge, token k + 1 an edge. The diagonal is open where no colour is given; all else is given. Every
    proper colouring that keeps the given colours is correct.

    Raises:
        ValueError: fewer than 2 nodes, or colours outside 2..8.
    """

    nodes: int
    colours: int
    noun = "graph"
    difficulties = (
        Difficulty("dead_ends", "dead ends of the search"),
        Difficulty("solutions", "proper colourings"),
        Difficulty("blanks", "nodes to colour"),
        Difficulty("edges", "edges"),
    )

    def __post_init__(self) -> None:
        check_size(self.nodes, self.colours)

    @property
    def name(self) -> str:
        return f"colouring_{self.nodes}x{self.colours}"

    @property
    def length(self) -> int:
        return self.nodes**2

    @property
    def vocabulary(self) -> int:
        return self.colours + 2

    @property
    def diagonal(self) -> slice:
        """The positions of the colours."""
        return slice(0, self.length, self.nodes + 1)

    @property
    def positions(self) -> Tensor:
        """Row and column of every entry, int64 [L, 2]."""
        return torch.cartesian_prod(torch.arange(self.nodes), torch.arange(self.nodes))

    @property
    def layout(self) -> GridLayout:
        """The matrix: colours as digits, edges as crosses, dots where there is no edge."""
        symbols = (*map(str, range(1, self.colours + 1)), "·", "×")
        return GridLayout(self.nodes, self.nodes, self.nodes, self.nodes, symbols)

    def queries(self, problems: Graphs) -> Queries:
        tokens, blank = self.targets(problems), problems.given == 0
        editable = torch.zeros_like(tokens, dtype=torch.bool)
        editable[:, self.diagonal] = blank
        return Queries.of(tokens.masked_fill(editable, self.vocabulary), editable)

    def targets(self, problems: Graphs) -> Tensor:
        """The matrices with the colouring that generated graphs were made from on the diagonal."""
        tokens = self.colours + problems.adjacency.flatten(1).long()
        tokens[:, self.diagonal] = problems.colours.long() - 1
        return tokens

    def verify(self, answers: Tensor, problems: Graphs) -> Correctness:
        right, given = self.targets(problems).to(answers), problems.given.to(answers)
        found = answers[:, self.diagonal]
        same = found[:, :, None] == found[:, None, :]
        proper = ~(same & problems.adjacency.to(answers.device)).flatten(1).any(1)
        colours = ((found >= 0) & (found < self.colours)).all(1)
        stands = ((given == 0) | (found == given - 1)).all(1)
        matrix = answers == right
        matrix[:, self.diagonal] = True
        return Correctness(
            exact=(answers == right).all(1),
            valid=proper & colours & stands & matrix.all(1),
            has_reference=problems.unique.to(answers.device),
        )

    def difficulty(self, problems: Graphs) -> dict[str, Tensor]:
        return {
            "dead_ends": problems.dead_ends,
            "solutions": problems.solutions,
            "blanks": problems.blanks,
            "edges": problems.edges,
        }

    def read(self, path: Path, skip_bad: bool) -> QueryFile:
        """The graphs of a DIMACS file, by `readers.read_graphs`."""
        return read_graphs(path, self.nodes, self.colours, skip_bad)

    def decode(self, tokens: Tensor) -> str:
        """The matrix, `?` where a colour is open."""
        known = self.layout.symbols
        symbols = [known[token] if 0 <= token < len(known) else "?" for token in tokens.tolist()]
        rows = (symbols[first : first + self.nodes] for first in range(0, self.length, self.nodes))
        return "\n".join(" ".join(row) for row in rows)
