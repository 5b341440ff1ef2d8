"""Mazes: solver, generator, split and verifier, on small cases by hand and against enumeration."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_diffusion.tasks.maze import MazeData, Mazes, MazeTask
from adaptive_diffusion.tasks.maze.generator import generate
from adaptive_diffusion.tasks.maze.mazes import FREE, GOAL, PATH, START, WALL
from adaptive_diffusion.tasks.maze.readers import tokens_of
from adaptive_diffusion.tasks.maze.search import solved
from adaptive_diffusion.tasks.maze.split import class_hashes, symmetries
from adaptive_diffusion.tasks.splits import SPLITS, splits_of

RING = ("S  ", " # ", "  G")  # two ways around the wall, both of four moves
SHAPE = (5, 6)


def maze_of(*rows: str, uniform: float = 0.0) -> Mazes:
    cells = tokens_of("".join(rows))[None]
    return solved(cells, len(rows[0]), np.full(cells.shape, uniform))


def answers_of(*grids: tuple[str, ...]) -> torch.Tensor:
    return torch.from_numpy(np.stack([tokens_of("".join(rows)) for rows in grids])).long()


def valid(mazes: Mazes, answers: torch.Tensor, shape: tuple[int, int]) -> list[bool]:
    return MazeTask(*shape).verify(answers, mazes.take(torch.zeros(len(answers), dtype=torch.long))).valid.tolist()


def graph_of(cells: np.ndarray, shape: tuple[int, int]) -> tuple[nx.Graph, int, int]:
    graph = nx.grid_2d_graph(*shape)
    grid = cells.reshape(shape)
    graph.remove_nodes_from([node for node in list(graph) if grid[node] == WALL])
    numbered = nx.relabel_nodes(graph, {node: node[0] * shape[1] + node[1] for node in graph})
    return numbered, int((cells == START).argmax()), int((cells == GOAL).argmax())


def test_measures_of_a_ring_are_exact():
    maze = maze_of(*RING)
    measures = MazeTask(3, 3).difficulty(maze)
    assert {name: values.tolist() for name, values in measures.items() if name != "rating"} == {
        "moves": [4],
        "paths": [2],
        "expanded": [7],
    }
    assert maze.distances.tolist() == [[0, 1, 2, 1, -1, 3, 2, 3, 4]]


def test_both_ways_around_a_ring_are_valid_and_the_reference_decides_nothing():
    task, maze = MazeTask(3, 3), maze_of(*RING)
    answers = answers_of(("Soo", " #o", "  G"), ("S  ", "o# ", "ooG"))
    grades = task.grades(answers, maze.take(torch.tensor([0, 0])))
    assert grades["correct"].tolist() == [1, 1]
    assert grades["exact"].isnan().all()


@pytest.mark.parametrize(
    "answer",
    [
        ("S  ", " # ", "  G"),  # nothing
        ("Soo", " # ", "  G"),  # one cell is missing
        ("So ", " #o", " oG"),  # three cells that are not connected
        ("Soo", "o#o", "ooG"),  # both ways
        ("Soo", " oo", "  G"),  # a wall is written over
        ("ooo", " #o", "  G"),  # the start is written over
        ("Soo", " #o", "  o"),  # the goal is written over
        ("S##", " #o", "  G"),  # an open cell becomes a wall
    ],
)
def test_what_is_no_shortest_path_is_refused(answer):
    assert valid(maze_of(*RING), answers_of(answer), (3, 3)) == [False]


def test_a_longer_path_is_refused():
    maze = maze_of("S  ", " # ", "G  ")
    assert valid(maze, answers_of(("S  ", "o# ", "G  "), ("Soo", " #o", "Goo")), (3, 3)) == [True, False]


def test_a_goal_beside_the_start_needs_no_marked_cell():
    maze = maze_of("SG ", "   ")
    assert valid(maze, answers_of(("SG ", "   "), ("SGo", "   ")), (2, 3)) == [True, False]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32), split=st.sampled_from(SPLITS))
def test_the_verifier_accepts_exactly_the_shortest_paths(seed, split):
    mazes = generate(SHAPE, 1, split, seed, walls=(0.1, 0.4), moves=(3, 12))
    graph, start, goal = graph_of(mazes.cells[0].numpy(), SHAPE)
    assert mazes.moves.tolist() == [nx.shortest_path_length(graph, start, goal)]
    shortest = [path[1:-1] for path in nx.all_shortest_paths(graph, start, goal)]
    assert mazes.paths.tolist() == [len(shortest)]
    longer = [path[1:-1] for path in nx.all_simple_paths(graph, start, goal, cutoff=9) if len(path) > mazes.moves + 1]
    answers = mazes.cells.long().repeat(len(shortest) + len(longer), 1)
    for answer, cells in zip(answers, shortest + longer, strict=True):
        answer[torch.tensor(cells)] = PATH
    assert valid(mazes, answers, SHAPE) == [True] * len(shortest) + [False] * len(longer)
    assert valid(mazes, mazes.solutions.long(), SHAPE) == [True]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_no_other_set_of_cells_is_a_path(seed, data):
    mazes = generate(SHAPE, 1, "train", seed, moves=(3, 12))
    graph, start, goal = graph_of(mazes.cells[0].numpy(), SHAPE)
    open_cells = (mazes.cells[0] == FREE).nonzero()[:, 0].tolist()
    marked = data.draw(st.lists(st.sampled_from(open_cells), unique=True, min_size=1))
    answer = mazes.cells.long()
    answer[0, torch.tensor(marked)] = PATH
    among = graph.subgraph([start, goal, *marked])
    path = nx.has_path(among, start, goal) and len(marked) == mazes.moves - 1
    assert valid(mazes, answer, SHAPE) == [path]


def test_every_shortest_path_is_drawn_about_equally_often():
    rows = ("S  ", "   ", "  G")
    cells = np.repeat(tokens_of("".join(rows))[None], 3000, axis=0)
    drawn = solved(cells, 3, np.random.default_rng(0).random(cells.shape)).solutions
    _, times = drawn.unique(dim=0, return_counts=True)
    assert len(times) == 6
    assert times.min() > 420
    assert times.max() < 580


def test_a_maze_depends_on_its_number_alone():
    together = generate((6, 6), 20, seed=3, first=5)
    apart = [generate((6, 6), 4, seed=3, first=first) for first in range(5, 25, 4)]
    for name in ("cells", "solutions"):
        assert torch.equal(getattr(together, name), torch.cat([getattr(part, name) for part in apart]))
    assert not torch.equal(together.cells, generate((6, 6), 20, seed=4, first=5).cells)


def test_mazes_have_the_moves_that_were_asked_for():
    mazes = generate((9, 9), 200, walls=(0.3, 0.4), moves=(10, 12))
    assert set(mazes.moves.tolist()) == {10, 11, 12}
    assert (mazes.solutions == PATH).sum(1).tolist() == (mazes.moves - 1).tolist()


@pytest.mark.parametrize("shape", [(4, 4), (3, 5)])
def test_images_of_a_maze_and_its_reverse_share_a_split(shape):
    mazes = generate(shape, 50, "test", moves=(2, 5)).cells.numpy()
    hashes = class_hashes(mazes, shape[1])
    images = symmetries(*shape)
    assert len(np.unique(images, axis=0)) == (8 if shape[0] == shape[1] else 4)
    for image in images:
        moved = mazes[:, image]
        reverse = np.where(moved == START, GOAL, np.where(moved == GOAL, START, moved))
        assert (class_hashes(moved, shape[1]) == hashes).all()
        assert (class_hashes(reverse, shape[1]) == hashes).all()
    assert (splits_of(hashes) == SPLITS.index("test")).all()
    assert len(np.unique(hashes)) == len({_least_image(maze, images) for maze in mazes})


def _least_image(maze: np.ndarray, images: np.ndarray) -> bytes:
    reverse = np.where(maze == START, GOAL, np.where(maze == GOAL, START, maze))
    return min(form[image].tobytes() for image in images for form in (maze, reverse))


def test_splits_share_no_class():
    found = [set(class_hashes(generate((4, 4), 300, split).cells.numpy(), 4).tolist()) for split in SPLITS]
    assert all(not one & other for one, other in (*pairwise(found), (found[0], found[2])))


def test_queries_open_the_free_cells_alone():
    task, maze = MazeTask(3, 3), maze_of(*RING)
    queries = task.queries(maze)
    assert queries.editable.tolist() == [[False, True, True, True, False, True, True, True, False]]
    assert queries.tokens.tolist() == [[START, 5, 5, 5, WALL, 5, 5, 5, GOAL]]
    assert task.decode(queries.tokens[0]) == "S??\n?#?\n??G"
    assert task.positions.tolist()[5] == [1, 2]
    assert task.layout.symbols == ("#", ".", "S", "G", "o")


def test_data_give_batches_with_right_answers():
    data = MazeData(7, 8, batch_size=16, validation_mazes=20, test_mazes=30)
    batch = data.batch(data.training(7, 16))
    assert data.task.correct(batch.clean, batch.problems).all()
    assert (len(data.validation), len(data.test)) == (20, 30)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"walls": (0.5, 0.4)}, "walls must be two densities"),
        ({"moves": (1, 4)}, "moves must be two numbers"),
        ({"first": -1}, "not negative"),
        ({"split": "exam"}, "no split called 'exam'"),
    ],
)
def test_invalid_generator_arguments_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        generate((4, 4), 1, **changes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"moves": 3}, r"moves=3 is not two numbers; give both, such as moves=\[4,20\]"),
        ({"moves": "ab"}, "moves='ab' is not two numbers"),
        ({"moves": [3, "far"]}, "MazeData: moves='far' is no whole number; give one"),
        ({"walls": 0.3}, r"walls=0\.3 is not two numbers; give both, such as walls=\[0\.1,0\.45\]"),
        ({"walls": [0.1, None]}, "MazeData: walls=None is no number; give one"),
    ],
)
def test_walls_and_moves_that_are_not_two_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        MazeData(4, 4, **settings)


def test_conditions_that_no_maze_meets_end_with_a_message(monkeypatch):
    monkeypatch.setattr("adaptive_diffusion.tasks.maze.generator.MOST_DRAWS", 20)
    with pytest.raises(ValueError, match="20 draws made no 3×3 maze for train"):
        generate((3, 3), 2, moves=(9, 9))
