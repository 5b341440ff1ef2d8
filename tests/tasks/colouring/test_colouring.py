"""Graph colouring: solver, generator, split and verifier, on small cases by hand and against enumeration."""

from itertools import product

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_diffusion.tasks.colouring import ColouringData, ColouringTask, Graphs
from adaptive_diffusion.tasks.colouring.generator import generate, rated
from adaptive_diffusion.tasks.colouring.search import SOLUTIONS_COUNTED, solve
from adaptive_diffusion.tasks.colouring.split import graph_hashes
from adaptive_diffusion.tasks.splits import SPLITS, splits_of

SQUARE = [(0, 1), (1, 2), (2, 3), (3, 0)]


def graph_of(nodes: int, pairs: list[tuple[int, int]], shown: list[int], colours: int = 3) -> Graphs:
    adjacency = np.zeros((1, nodes, nodes), dtype=bool)
    for one, other in pairs:
        adjacency[0, [one, other], [other, one]] = True
    return rated(adjacency, np.array([shown], dtype=np.uint8), colours)


def enumerated(graph: Graphs, colours: int) -> list[tuple[int, ...]]:
    edges = graph.adjacency[0].nonzero().tolist()
    shown = graph.given[0].tolist()
    return [
        found
        for found in product(range(1, colours + 1), repeat=len(shown))
        if all(found[one] != found[other] for one, other in edges)
        and all(wanted in (0, colour) for wanted, colour in zip(shown, found, strict=True))
    ]


def answers_with(task: ColouringTask, graph: Graphs, colourings: list[tuple[int, ...]]) -> torch.Tensor:
    answers = task.targets(graph).repeat(len(colourings), 1)
    answers[:, task.diagonal] = torch.tensor(colourings) - 1
    return answers


def valid(task: ColouringTask, graph: Graphs, answers: torch.Tensor) -> list[bool]:
    return task.verify(answers, graph.take(torch.zeros(len(answers), dtype=torch.long))).valid.tolist()


def networkx_hash(adjacency: np.ndarray) -> str:
    graph = nx.from_numpy_array(adjacency)
    nx.set_node_attributes(graph, dict.fromkeys(graph, "node"), "label")
    return nx.weisfeiler_lehman_graph_hash(graph, node_attr="label", iterations=len(adjacency))


def test_measures_of_a_square_are_exact():
    graph = graph_of(4, SQUARE, [1, 0, 0, 0])
    measures = ColouringTask(4, 3).difficulty(graph)
    # The node opposite has the given colour (then 2 · 2 ways for the others) or one of the other two (one way each).
    assert {name: values.tolist() for name, values in measures.items()} == {
        "dead_ends": [0],
        "solutions": [6],
        "blanks": [3],
        "edges": [4],
    }


def test_every_branch_of_an_odd_wheel_is_a_dead_end():
    # Three colours for the hub, then two for a node of the rim; the others follow, and the rim of five does not close.
    odd_wheel = [(0, node) for node in range(1, 6)] + [(node, node % 5 + 1) for node in range(1, 6)]
    graph = graph_of(6, odd_wheel, [0] * 6)
    assert (graph.solutions.tolist(), graph.dead_ends.tolist()) == ([0], [6])


def test_every_proper_colouring_is_valid_and_nothing_else():
    task, graph = ColouringTask(4, 3), graph_of(4, SQUARE, [1, 0, 0, 0])
    everything = list(product(range(1, 4), repeat=4))
    right = set(enumerated(graph, 3))
    assert valid(task, graph, answers_with(task, graph, everything)) == [found in right for found in everything]


@pytest.mark.parametrize(("position", "token"), [(1, 3), (1, 5), (0, 1), (5, 3), (5, 5), (5, -1)])
def test_what_is_given_must_stand_and_the_diagonal_holds_colours(position, token):
    task, graph = ColouringTask(4, 3), graph_of(4, SQUARE, [1, 0, 0, 0])
    answer = task.targets(graph)
    assert valid(task, graph, answer) == [True]
    answer[0, position] = token
    assert valid(task, graph, answer) == [False]


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32), split=st.sampled_from(SPLITS), colours=st.integers(2, 4))
def test_the_solver_counts_what_enumeration_finds(seed, split, colours):
    graph = generate(6, colours, 1, split, seed, degree=(1.0, 4.0), given=(1, 3), searched=0.0)
    task = ColouringTask(6, colours)
    found = enumerated(graph, colours)
    assert graph.solutions.tolist() == [len(found)]
    assert all(valid(task, graph, answers_with(task, graph, found)))
    assert task.grades(task.targets(graph), graph)["correct"].tolist() == [1]
    first, _, _ = solve(graph.adjacency.numpy(), graph.given.numpy(), colours)
    assert tuple(first[0].tolist()) in found


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32), order=st.permutations(range(8)), names=st.permutations([1, 2, 3]))
def test_number_of_solutions_does_not_depend_on_names(seed, order, names):
    graph = generate(8, 3, 1, seed=seed, searched=0.0)
    given = np.array([0, *names])[graph.given.numpy()].astype(np.uint8)
    _, solutions, dead_ends = solve(graph.adjacency.numpy(), given, 3)
    assert (solutions.tolist(), dead_ends.tolist()) == (graph.solutions.tolist(), graph.dead_ends.tolist())
    _, solutions, _ = solve(graph.adjacency.numpy()[:, order][:, :, order], given[:, order], 3)
    assert solutions.tolist() == graph.solutions.tolist()


def test_search_stops_at_many_solutions_and_counts_no_dead_ends_then():
    graph = graph_of(8, [], [0] * 8)
    assert (graph.solutions.tolist(), graph.dead_ends.tolist()) == ([SOLUTIONS_COUNTED], [0])


def test_a_graph_depends_on_its_number_alone():
    together = generate(8, 3, 20, seed=3, first=5)
    apart = [generate(8, 3, 4, seed=3, first=first) for first in range(5, 25, 4)]
    for name in together.column_names:
        assert torch.equal(getattr(together, name), torch.cat([getattr(part, name) for part in apart]))
    assert not torch.equal(together.adjacency, generate(8, 3, 20, seed=4, first=5).adjacency)


def test_graphs_have_what_was_asked_for():
    graphs = generate(10, 3, 200, degree=(4.0, 4.0), given=(2, 3), searched=1.0)
    assert set(graphs.edges.tolist()) == {20}
    assert set((10 - graphs.blanks).tolist()) == {2, 3}
    assert graphs.dead_ends.min() >= 1
    assert graphs.solutions.min() >= 1


def test_isomorphic_graphs_share_a_split_whatever_is_given():
    graphs = generate(9, 3, 100, "validation")
    adjacency = graphs.adjacency.numpy()
    hashes = graph_hashes(adjacency)
    order = np.random.default_rng(0).permutation(9)
    assert (graph_hashes(adjacency[:, order][:, :, order]) == hashes).all()
    assert (splits_of(hashes) == SPLITS.index("validation")).all()
    assert len(np.unique(hashes)) == len(set(map(networkx_hash, adjacency)))


def test_queries_open_the_colours_that_are_not_given():
    task, graph = ColouringTask(3, 3), graph_of(3, [(0, 1)], [2, 0, 0])
    queries = task.queries(graph)
    assert queries.tokens.tolist() == [[1, 4, 3, 4, 5, 3, 3, 3, 5]]
    assert queries.editable.nonzero()[:, 1].tolist() == [4, 8]
    assert task.decode(queries.tokens[0]) == "2 × ·\n× ? ·\n· · ?"
    assert task.positions.tolist()[5] == [1, 2]
    assert len(task.layout.symbols) == task.vocabulary


def test_reference_decides_where_there_is_one_solution():
    task = ColouringTask(3, 3)
    triangle = [(0, 1), (1, 2), (2, 0)]
    unique, several = graph_of(3, triangle, [1, 2, 0]), graph_of(3, triangle, [1, 0, 0])
    assert task.grades(task.targets(unique), unique)["exact"].tolist() == [1]
    assert task.grades(task.targets(several), several)["exact"].isnan().all()


def test_data_give_batches_with_right_answers():
    data = ColouringData(8, batch_size=16, validation_graphs=20, test_graphs=30)
    batch = data.batch(data.training(7, 16))
    assert data.task.correct(batch.clean, batch.problems).all()
    assert (len(data.validation), len(data.test)) == (20, 30)


def test_held_out_graphs_are_the_first_of_their_list_that_are_not_isomorphic():
    data = ColouringData(6, degree=(2.0, 3.5), searched=0.0, validation_graphs=1, test_graphs=5)
    listed = generate(6, 3, 30, "test", degree=data.degree, given=data.given, searched=0.0)
    drawn = list(map(nx.from_numpy_array, listed.adjacency.numpy()))
    same = [next(first for first in range(30) if nx.is_isomorphic(drawn[first], graph)) for graph in drawn]
    first = sorted(set(same))
    assert first == [0, 2, 5, 7, 22]
    assert torch.equal(data.test.adjacency, listed.adjacency[first])
    assert torch.equal(data.test.given, listed.given[first])


def test_more_held_out_graphs_than_there_are_kinds_of_graphs_are_refused():
    data = ColouringData(3, degree=(1.0, 2.0), given=(1, 1), searched=0.0, test_graphs=20)
    with pytest.raises(ValueError, match="graphs of 3 nodes hold 1 .*; ask for fewer than 20, or use more nodes"):
        data.held_out("test")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"degree": (5.0, 4.0)}, "degree must be two mean degrees"),
        ({"given": (1, 9)}, "given must be two numbers"),
        ({"searched": 1.5}, "searched is a share"),
        ({"first": -1}, "not negative"),
        ({"split": "exam"}, "no split called 'exam'"),
    ],
)
def test_invalid_generator_arguments_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        generate(8, 3, 1, **changes)


def test_conditions_that_no_graph_meets_end_with_a_message(monkeypatch):
    monkeypatch.setattr("adaptive_diffusion.tasks.colouring.generator.MOST_DRAWS", 20)
    with pytest.raises(ValueError, match="20 draws made no graph of 3 nodes for train"):
        generate(3, 3, 2, searched=1.0, given=(1, 1))


@pytest.mark.parametrize(("nodes", "colours"), [(1, 3), (5, 1), (5, 9)])
def test_sizes_that_the_search_does_not_have_are_refused(nodes, colours):
    with pytest.raises(ValueError, match="2 to 8 colours"):
        ColouringTask(nodes, colours)
