"""Files of graphs: what is read, and how bad graphs are named."""

import gzip

import pytest
import torch
from file_readers import named_and_skipped, read_or_refused
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_diffusion.tasks.colouring import ColouringTask

TASK = ColouringTask(4, 3)
TRIANGLE = "c a triangle\np edge 3 3\ne 1 2\ne 2 3\ne 3 1\nn 1 2\n"


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "graphs.col"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_graphs_of_a_file_are_read_with_given_colours_and_padding(write, pack):
    path = write(pack(f"{TRIANGLE}\np col 4 2\r\ne 1 4\r\ne 4 1\r\n"))
    problems = TASK.read(path, skip_bad=False).problems
    assert problems.given.tolist() == [[2, 0, 0, 1], [0, 0, 0, 0]]
    assert problems.edges.tolist() == [3, 1]
    assert problems.solutions.tolist() == [2, 54]
    assert TASK.correct(TASK.targets(problems), problems).all()
    assert torch.equal(problems.adjacency, problems.adjacency.transpose(1, 2))


BAD_GRAPHS = {
    "p edge 3": (1, "no line of a problem; write 'p edge NODES EDGES'"),
    "p edge 5 0": (1, "a graph of 5 nodes where the model has 4; use another model"),
    "p edge x 0": (1, "'x' is no number from 0; correct the line"),
    "p edge 3 1\nx 1 2": (2, "neither an edge 'e ONE OTHER' nor a given colour 'n NODE COLOUR'"),
    "p edge 3 1\ne 1": (2, "neither an edge"),
    "p edge 3 1\ne 1 4": (2, "node 4 of a graph with nodes 1 to 3; correct the line"),
    "p edge 3 1\ne -1 2": (2, "'-1' is no number from 0"),
    "p edge 3 1\ne 2 2": (2, "an edge from node 2 to itself, which no colouring allows; remove the line"),
    "p edge 3 1\nn 2 4": (2, "colour 4 where the model has 1 to 3; correct the line"),
    "p edge 3 0\nn 1 1\nn 1 2": (3, "node 1 is given colour 1 and colour 2; remove one of the lines"),
    "p edge 3 3\ne 1 2\ne 2 3": (1, "3 edges announced and 2 given; correct the file"),
    "p edge 2 1\ne 1 2\nn 1 1\nn 2 1": (1, "no proper colouring with 3 colours keeps the given ones"),
    "p edge 4 6\ne 1 2\ne 1 3\ne 1 4\ne 2 3\ne 2 4\ne 3 4": (1, "no proper colouring with 3 colours"),
    "p edge 3 2\ne 1 9\ne 2 9\ne 3 9": (2, "node 9 of a graph"),
}


@pytest.mark.parametrize("graph", BAD_GRAPHS)
def test_bad_graph_is_named_with_line_reason_and_fix_and_can_be_skipped(write, graph):
    line, reason = BAD_GRAPHS[graph]
    path = write(f"{graph}\n{TRIANGLE}")
    assert named_and_skipped(TASK, path, line, reason).problems.edges.tolist() == [3]


def test_line_before_the_first_graph_is_named(write):
    with pytest.raises(ValueError, match="line 1: 'e' before a graph has begun; write 'p edge NODES EDGES' first"):
        TASK.read(write(f"e 1 2\n{TRIANGLE}"), skip_bad=False)


@pytest.mark.parametrize("content", ["", "c nothing\n", "p edge 9 9\n"])
def test_file_without_a_graph_is_refused(write, content):
    with pytest.raises(ValueError, match="holds no graph"):
        TASK.read(write(content), skip_bad=True)


@settings(deadline=None, max_examples=40)
@given(content=st.text(alphabet="pen 1234\n", max_size=80) | st.binary(max_size=40))
def test_any_content_is_read_or_refused(tmp_path_factory, content):
    read_or_refused(TASK, tmp_path_factory.mktemp("any") / "graphs.col", content)
