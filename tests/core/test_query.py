"""Queries: their fields, and what is refused."""

import pytest
import torch

from adaptive_diffusion.core.query import Queries


def three():
    return Queries.of(torch.tensor([[1, 2], [3, 4], [5, 6]]), torch.tensor([[0, 1], [1, 1], [1, 0]]), first_id=10)


def test_queries_are_numbered_from_the_first_id():
    assert three().ids.tolist() == [10, 11, 12]
    assert three().editable.dtype == torch.bool
    assert len(three()) == 3


def test_a_choice_keeps_ids_with_their_tokens():
    chosen = three().take(torch.tensor([2, 0]))
    assert chosen.ids.tolist() == [12, 10]
    assert chosen.tokens.tolist() == [[5, 6], [1, 2]]
    assert three().take(slice(1, 3)).ids.tolist() == [11, 12]


def test_a_query_may_be_repeated_only_where_that_is_meant():
    again = three().take(torch.tensor([1, 1]))
    assert again.ids.tolist() == [11, 11]
    assert again.tokens.tolist() == [[3, 4], [3, 4]]
    with pytest.raises(ValueError, match="ids repeat"):
        Queries(again.ids, again.tokens, again.editable)


@pytest.mark.parametrize(
    ("ids", "tokens", "editable"),
    [((2,), (2, 3), (2, 4)), ((1,), (2, 3), (2, 3)), ((2,), (2,), (2,))],
)
def test_shapes_that_disagree_are_named(ids, tokens, editable):
    shapes = ".*".join(str(shape).replace("(", r"\(").replace(")", r"\)") for shape in (ids, tokens, editable))
    with pytest.raises(ValueError, match=shapes):
        Queries(torch.arange(ids[0]), torch.zeros(tokens, dtype=torch.int64), torch.ones(editable, dtype=torch.bool))


def test_a_draft_is_committed_where_it_may_be_edited_and_the_rest_is_noise():
    tokens = torch.tensor([[1, 2, 3]])
    queries = Queries(
        torch.tensor([0]), tokens, torch.tensor([[False, True, True]]), torch.tensor([[True, True, False]])
    )
    noisy, committed = queries.start
    assert noisy.tolist() == [[False, False, True]]
    assert committed.tolist() == [[False, True, False]]
    assert queries.take(slice(0, 1)).drafted is not None
    assert queries.take(torch.tensor([0, 0])).start[1].tolist() == [[False, True, False]] * 2
    with pytest.raises(ValueError, match=r"drafted.*\(1, 2\)"):
        Queries(queries.ids, tokens, queries.editable, torch.ones(1, 2, dtype=torch.bool))


def test_parts_of_another_kind_are_named():
    tokens, editable = torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3, dtype=torch.bool)
    for name, broken in {"tokens": (tokens.float(), editable), "editable": (tokens, editable.long())}.items():
        with pytest.raises(
            ValueError, match=rf"{name} is torch\.\w+; it must be torch\.\w+, such as that of Queries.of"
        ):
            Queries(torch.arange(2), *broken)
