"""Random graphs around the density at which colourings run out, with a colouring planted in each."""

from collections.abc import Callable

import numpy as np
import torch

from adaptive_diffusion.tasks.colouring.graphs import Graphs
from adaptive_diffusion.tasks.colouring.search import MOST_COLOURS, SOLUTIONS_COUNTED, solve
from adaptive_diffusion.tasks.colouring.split import graph_hashes
from adaptive_diffusion.tasks.keyed_numbers import keyed_uniforms
from adaptive_diffusion.tasks.splits import index_of, splits_of

MOST_DRAWS = 10_000
MOST_READ = 64
"""How many times as many graphs as are wanted are read to find so many different ones."""


def generate(
    nodes: int,
    colours: int,
    count: int,
    split: str = "train",
    seed: int = 0,
    first: int = 0,
    degree: tuple[float, float] = (3.5, 5.0),
    given: tuple[int, int] = (1, 4),
    searched: float = 0.5,
) -> Graphs:
    """Graphs `first` to `first + count − 1` of the endless list that (nodes, colours, split, seed, degree, given,
    searched) names.

    Of each, the colours of a hidden colouring are drawn uniformly; the mean degree uniformly from `degree`; as many
    edges uniformly from the pairs of nodes with different colours; and the number of given colours uniformly from
    `given`, at nodes drawn uniformly. With three colours, large random graphs stop having colourings at a mean degree
    of about 4.69 (Zdeborová and Krząkała 2007, arXiv 0704.1269). A share `searched` of the graphs has at least one dead
    end in its search tree. A graph of another split, without the dead end that it should have, or with
    `SOLUTIONS_COUNTED` solutions is drawn anew. Graph n is the same whatever the range it is made in. The hidden
    colouring is what a denoiser is trained on.

    Raises:
        ValueError: an unknown split, negative numbers, ranges that are none, or a split that hardly any graph is of.
    """
    if min(seed, first) < 0 or count < 1:
        raise ValueError(f"count must be positive, seed and first not negative; got {count}, {seed}, {first}")
    if not 0 <= degree[0] <= degree[1]:
        raise ValueError(f"degree must be two mean degrees with 0 <= lowest <= highest, not {degree[0]}, {degree[1]}")
    if not 0 <= given[0] <= given[1] <= nodes:
        raise ValueError(f"given must be two numbers with 0 <= fewest <= most <= {nodes}, not {given[0]}, {given[1]}")
    if not 0 <= searched <= 1:
        raise ValueError(f"searched is a share from 0 to 1, not {searched}")
    part, positions = index_of(split), first + np.arange(count)
    hard = keyed_uniforms(seed, part, positions, MOST_DRAWS, count=1)[:, 0] < searched
    blank, edges = np.zeros((count, nodes), dtype=np.uint8), np.zeros((count, nodes, nodes), dtype=bool)
    numbers = np.zeros(count, dtype=np.int64)
    columns = [edges, blank, blank.copy(), numbers, numbers.copy()]
    pending, draw = np.arange(count), 0
    while len(pending):
        if draw == MOST_DRAWS:
            raise ValueError(
                f"{MOST_DRAWS} draws made no graph of {nodes} nodes for {split} with mean degrees from {degree[0]:g} "
                f"to {degree[1]:g}; use more nodes, other degrees, or a lower share of searched graphs"
            )
        uniforms = keyed_uniforms(seed, part, positions[pending], draw, count=2 + 2 * nodes + nodes * (nodes - 1) // 2)
        adjacency, shown, hidden = _drawn(uniforms, nodes, colours, degree, given)
        _, solutions, dead_ends = solve(adjacency, shown, colours)
        accepted = (splits_of(graph_hashes(adjacency)) == part) & (solutions < SOLUTIONS_COUNTED)
        accepted &= (dead_ends > 0) | ~hard[pending]
        for column, new in zip(columns, (adjacency, shown, hidden, solutions, dead_ends), strict=True):
            column[pending[accepted]] = new[accepted]
        pending, draw = pending[~accepted], draw + 1
    return Graphs(*map(torch.from_numpy, columns))


def distinct(count: int, graphs: Callable[[int, int], Graphs]) -> Graphs:
    """The first `count` graphs of an endless list of which no two have the same hash, whatever colours are given: so no
    two are isomorphic.

    Args:
        graphs: gives the graphs of the list from a number on, by that number and how many they are.

    Raises:
        ValueError: a list with too few of them.
    """
    found, read = graphs(0, count), count
    while len(found := found.take(first_of_each(found))) < count:
        if read >= MOST_READ * count:
            raise ValueError(
                f"{read} graphs of {found.given.shape[1]} nodes hold {len(found)} of which no two are isomorphic; ask "
                f"for fewer than {count}, or use more nodes"
            )
        more = max(count - len(found), count // 8)
        found, read = found.append(graphs(read, more)), read + more
    return found.take(slice(count))


def first_of_each(graphs: Graphs) -> torch.Tensor:
    """int64, where a graph of each hash comes first, ascending."""
    return torch.from_numpy(np.sort(np.unique(graph_hashes(graphs.adjacency.numpy()), return_index=True)[1]))


def rated(adjacency: np.ndarray, given: np.ndarray, colours: int) -> Graphs:
    """Graphs with what the search finds of them."""
    return Graphs(*map(torch.from_numpy, (adjacency, given, *solve(adjacency, given, colours))))


def check_size(nodes: int, colours: int) -> None:
    """Raises ``ValueError`` for a graph without edges, or numbers of colours that the search does not have."""
    if nodes < 2 or not 2 <= colours <= MOST_COLOURS:
        raise ValueError(f"a graph has at least 2 nodes, and 2 to {MOST_COLOURS} colours; got {nodes} and {colours}")


def _drawn(
    uniforms: np.ndarray, nodes: int, colours: int, degree: tuple[float, float], given: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Adjacency bool [N, n, n], given colours uint8 [N, n] (0 at the others), and all colours uint8 [N, n]."""
    density, share = uniforms[:, :2].T
    hidden = (1 + np.floor(uniforms[:, 2 : 2 + nodes] * colours)).astype(np.uint8)
    known = np.floor(given[0] + share * (given[1] - given[0] + 1))
    shown = _smallest(uniforms[:, 2 + nodes : 2 + 2 * nodes], known)
    one, other = np.triu_indices(nodes, 1)
    keys = np.where(hidden[:, one] == hidden[:, other], np.inf, uniforms[:, 2 + 2 * nodes :])
    edges = np.rint((degree[0] + density * (degree[1] - degree[0])) * nodes / 2)
    adjacency = np.zeros((len(uniforms), nodes, nodes), dtype=bool)
    adjacency[:, one, other] = _smallest(keys, edges)
    return adjacency | adjacency.transpose(0, 2, 1), np.where(shown, hidden, 0).astype(np.uint8), hidden


def _smallest(keys: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """bool [N, P], the `counts` [N] smallest finite keys of each row of [N, P]."""
    ranks = keys.argsort(1, kind="stable").argsort(1, kind="stable")
    return (ranks < counts[:, None]) & np.isfinite(keys)
