"""Windows hold every token once, documents end once, padding is marked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from adaptive_diffusion.tasks.text.packing import Documents, OneEach, Packed

END = 9
DOCUMENTS = some.lists(some.lists(some.integers(0, 8), max_size=12), min_size=1, max_size=6)


def ended(documents):
    return Documents.of(np.array([*document, END]) for document in documents)


@pytest.mark.parametrize("packing", [Packed(), OneEach()], ids=lambda packing: type(packing).__name__)
@given(documents=DOCUMENTS, length=some.integers(1, 8))
def test_every_token_stands_in_one_window_in_order(packing, documents, length):
    windows = packing.every(ended(documents), length)
    assert np.array_equal(windows.tokens[~windows.padding], ended(documents).tokens)
    assert (windows.tokens[windows.padding] == END).all()


@given(documents=DOCUMENTS, length=some.integers(1, 8))
def test_packed_windows_are_full_but_for_the_last_and_hold_one_end_per_document(documents, length):
    windows = Packed().every(ended(documents), length)
    assert not windows.padding[:-1].any()
    assert (windows.tokens[~windows.padding] == END).sum() == len(documents)


@given(documents=DOCUMENTS, length=some.integers(1, 8))
def test_apart_no_window_holds_two_documents(documents, length):
    windows = OneEach().every(ended(documents), length)
    for tokens, padding in zip(windows.tokens, windows.padding, strict=True):
        text = tokens[~padding]
        assert END not in text[:-1]


@given(documents=DOCUMENTS, length=some.integers(1, 8), seed=some.integers(0, 100))
def test_drawn_windows_are_pieces_of_the_text(documents, length, seed):
    made = ended(documents)
    text = made.tokens
    if len(text) >= length:
        drawn = Packed().drawn(made, length, 5, np.random.default_rng(seed)).tokens
        pieces = {tuple(text[start : start + length]) for start in range(len(text) - length + 1)}
        assert {tuple(row) for row in drawn} <= pieces
    apart = OneEach().drawn(made, length, 5, np.random.default_rng(seed))
    known = {tuple(row) for row in OneEach().every(made, length).tokens}
    assert {tuple(row) for row in apart.tokens} <= known


def test_packed_training_windows_begin_everywhere():
    drawn = Packed().drawn(ended([[0, 1, 2], [3, 4, 5]]), 3, 400, np.random.default_rng(0)).tokens
    assert {tuple(row) for row in drawn} == {(0, 1, 2), (1, 2, 9), (2, 9, 3), (9, 3, 4), (3, 4, 5), (4, 5, 9)}


def test_a_window_longer_than_the_text_is_refused():
    with pytest.raises(ValueError, match="4 tokens do not fill a window of 5"):
        Packed().drawn(ended([[1, 2, 3]]), 5, 1, np.random.default_rng(0))


@given(documents=DOCUMENTS)
def test_documents_are_found_again(documents):
    made = ended(documents)
    assert [made[index].tolist() for index in range(len(made))] == [[*document, END] for document in documents]
