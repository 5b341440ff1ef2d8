"""Files of graphs to colour: every line is read as data, checked and solved; bad lines are named."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from adaptive_diffusion.tasks.colouring.generator import rated
from adaptive_diffusion.tasks.lines import BadLines, numbered_lines
from adaptive_diffusion.tasks.task import QueryFile


@dataclass
class Entry:
    """A graph as far as it has been read.

    Attributes:
        line: where it begins, from 1.
        nodes, edges: how many it announces.
        pairs: its edges, nodes from 1.
        given: the colours of nodes, both from 1.
        spoiled: a line of it was bad and was reported, so that the graph cannot be used.
    """

    line: int
    nodes: int
    edges: int = 0
    pairs: list[tuple[int, int]] = field(default_factory=list)
    given: dict[int, int] = field(default_factory=dict)
    spoiled: bool = False


def read_graphs(path: Path, nodes: int, colours: int, skip_bad: bool = False) -> QueryFile:
    """Read a file of graphs in the DIMACS format `.col`, plain or compressed by gzip.

    Lines are `c` for a comment, `p edge NODES EDGES` (or `p col …`) where a graph begins, `e ONE OTHER` for an edge,
    and `n NODE COLOUR` for a node whose colour is given. A file may hold several graphs. A graph with fewer nodes than
    `nodes` gets isolated nodes of colour 1, which are given.

    Raises:
        ValueError: no regular file, a file without a graph, or, unless `skip_bad`, bad lines (the first are named).
    """
    bad = BadLines(path)
    entries = [entry for entry in _entries(bad, nodes, colours) if not entry.spoiled]
    adjacency, given = np.zeros((len(entries), nodes, nodes), dtype=bool), np.zeros((len(entries), nodes), np.uint8)
    for row, entry in enumerate(entries):
        for one, other in entry.pairs:
            adjacency[row, [one - 1, other - 1], [other - 1, one - 1]] = True
        given[row, entry.nodes :] = 1
        for node, colour in entry.given.items():
            given[row, node - 1] = colour
    graphs = rated(adjacency, given, colours)
    for row, entry in enumerate(entries):
        if graphs.dead_ends[row] < 0:
            bad.add(entry.line, "the solver gave up on this graph; give more colours, or a smaller graph")
        elif not graphs.solutions[row]:
            bad.add(
                entry.line,
                f"no proper colouring with {colours} colours keeps the given ones; remove an edge or a given colour, "
                "or use a model with more colours",
            )
    good = (graphs.solutions > 0) & (graphs.dead_ends >= 0)
    if not good.any():
        raise ValueError(f"{path} holds no graph{bad.listing()}")
    skipped = tuple(map(str, bad.settled(skip_bad)))
    return QueryFile(graphs.take(good.nonzero()[:, 0]), skipped)


def _entries(bad: BadLines, nodes: int, colours: int) -> list[Entry]:
    """The graphs of a file; lines that cannot be read are added to ``bad`` and spoil the graph that they belong to."""
    found: list[Entry] = []
    for number, line in numbered_lines(bad.path, bad):
        words = line.split()
        if not words or words[0] == "c":
            continue
        try:
            if words[0] == "p":
                found.append(Entry(number, 0, spoiled=True))
                found[-1] = _begun(number, words, nodes)
            elif not found:
                raise ValueError(f"{words[0]!a} before a graph has begun; write 'p edge NODES EDGES' first")
            else:
                _add(found[-1], words, colours)
        except ValueError as error:
            # One reason for each graph: what follows a bad line is often bad because of it.
            if not found or not found[-1].spoiled or words[0] == "p":
                bad.add(number, str(error))
            if found:
                found[-1].spoiled = True
    for entry in found:
        # Some files of the DIMACS challenges announce each edge once for either end.
        if not entry.spoiled and entry.edges not in (len(entry.pairs), 2 * len(entry.pairs)):
            bad.add(entry.line, f"{entry.edges} edges announced and {len(entry.pairs)} given; correct the file")
            entry.spoiled = True
    return found


def _begun(number: int, words: list[str], nodes: int) -> Entry:
    """The graph of a `p` line; raises ``ValueError`` with the reason where it cannot be used."""
    if len(words) != 4 or words[1] not in ("edge", "edges", "col"):
        raise ValueError("no line of a problem; write 'p edge NODES EDGES'")
    size, edges = _numbers(words[2:])
    if not 1 <= size <= nodes:
        raise ValueError(f"a graph of {size} nodes where the model has {nodes}; use another model")
    return Entry(number, size, edges)


def _add(entry: Entry, words: list[str], colours: int) -> None:
    """Add an edge or a given colour; raises ``ValueError`` with the reason where that is none."""
    if words[0] not in ("e", "n") or len(words) != 3:
        raise ValueError("neither an edge 'e ONE OTHER' nor a given colour 'n NODE COLOUR'; correct the line")
    one, other = _numbers(words[1:])
    of_nodes = (one, other) if words[0] == "e" else (one,)
    strange = next((node for node in of_nodes if not 1 <= node <= entry.nodes), None)
    if strange is not None:
        raise ValueError(f"node {strange} of a graph with nodes 1 to {entry.nodes}; correct the line")
    if words[0] == "e":
        if one == other:
            raise ValueError(f"an edge from node {one} to itself, which no colouring allows; remove the line")
        entry.pairs.append((one, other))
    elif not 1 <= other <= colours:
        raise ValueError(f"colour {other} where the model has 1 to {colours}; correct the line")
    elif entry.given.setdefault(one, other) != other:
        raise ValueError(f"node {one} is given colour {entry.given[one]} and colour {other}; remove one of the lines")


def _numbers(words: list[str]) -> list[int]:
    for word in words:
        if not (word.isascii() and word.isdecimal() and len(word) < 10):
            raise ValueError(f"{word!a} is no number from 0; correct the line")
    return [int(word) for word in words]
