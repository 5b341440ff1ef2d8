"""Edits: all else stays the same to the byte, variations stand on their own, revision stays where it is allowed."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from small_worlds import transformer

from adaptive_diffusion.models.positions import RotaryPositions
from adaptive_diffusion.rules.order import Random
from adaptive_diffusion.rules.pace import Ancestral, Threshold
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import LowProbability
from adaptive_diffusion.sampling import editing
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.tasks.editing import Change
from adaptive_diffusion.tasks.text.edits import edit_layout
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer, Tokenizer

TOKENIZER, LONGEST = ByteTokenizer(), 48
MODEL = transformer(257, positions=RotaryPositions([[i] for i in range(LONGEST)]), width=16, depth=1)
SAMPLERS = {
    "by threshold": Sampler(MODEL, pace=Threshold(0.5)),
    "drawn": Sampler(MODEL, proposal=Draw(), order=Random(), pace=Ancestral(4)),
    "doubting": Sampler(MODEL, pace=Threshold(0.0), remasking=LowProbability(1.0)),
}
pytestmark = pytest.mark.filterwarnings("ignore:.*revised nothing")


def edit(sampler, text, changes, tokenizer, longest, **options):
    return editing.edit(sampler, edit_layout(text, changes, tokenizer, longest).draft(tokenizer), **options)


@some.composite
def texts_with_changes(draw):
    """Any bytes, and up to three changes of any kind that do not overlap."""
    text = draw(some.binary(max_size=80))
    count = draw(some.integers(1, 3))
    marks = sorted(draw(some.lists(some.integers(0, len(text)), min_size=2 * count, max_size=2 * count)))
    changes = []
    for start, stop in zip(marks[::2], marks[1::2], strict=True):
        kind = draw(some.sampled_from(["rewrite", "count", "revise", "delete", "insert"]))
        counted = draw(some.integers(0, 6))
        changes.append(
            {
                "rewrite": Change(start, stop),
                "count": Change(start, stop, counted),
                "revise": Change(start, stop, revise=True),
                "delete": Change.delete(start, stop),
                "insert": Change.insert(start, counted),
            }[kind]
        )
    return text, changes


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS.keys())
@settings(max_examples=25, deadline=None)
@given(case=texts_with_changes(), seed=some.integers(0, 1000))
def test_spans_outside_an_edit_are_the_same_to_the_byte(sampler, case, seed):
    text, changes = case
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = edit(sampler, text, changes, TOKENIZER, LONGEST, n=2, seed=seed, max_steps=6)
    except ValueError as error:
        assert "nothing to write" in str(error) or "one at a time" in str(error)  # noqa: PT017
        return
    ordered = sorted(changes, key=lambda change: (change.start, change.stop))
    for changed in made.contents:
        rest = changed
        place = 0
        for change in ordered:
            retained = text[place : change.start]
            assert rest.startswith(retained)
            most = change.stop - change.start if change.count is None or change.revise else change.count
            # What stands between is at most as long as its open tokens; the next kept span tells where it ends.
            behind = len(text) - change.stop
            rest, place = rest[len(retained) :], change.stop
            if change is ordered[-1]:
                assert rest.endswith(text[place:])
                assert len(rest) - behind <= most
            else:
                following = ordered[ordered.index(change) + 1]
                ends = [size for size in range(most + 1) if rest[size:].startswith(text[place : following.start])]
                assert ends
                layout = edit_layout(text, changes, TOKENIZER, LONGEST)
                start, stop = layout.spans[ordered.index(change)]
                row = made.result.answers[made.contents.index(changed), start:stop].tolist()
                rest = rest[len(TOKENIZER.decode(row)) :]


def test_five_variations_are_five_single_calls():
    text, changes = b"def f(x):\n    return x + 1\n", [Change(4, 5), Change(14, 26)]
    together = edit(SAMPLERS["drawn"], text, changes, TOKENIZER, LONGEST, n=5, seed=7)
    assert together.seeds == (7, 8, 9, 10, 11)
    assert len(set(together.contents)) == 5
    for index, seed in enumerate(together.seeds):
        alone = edit(SAMPLERS["drawn"], text, changes, TOKENIZER, LONGEST, seed=seed)
        assert alone.contents == (together.contents[index],)
        assert torch.equal(alone.result.answers[0], together.result.answers[index])


def test_a_beginning_is_written_for_an_ending_and_a_middle_is_filled():
    sampler = SAMPLERS["drawn"]
    [text] = edit(sampler, b"the end", [Change.insert(0, 9)], TOKENIZER, LONGEST).contents
    assert text.endswith(b"the end")
    [text] = edit(sampler, b"begin...end", [Change(5, 8, 12)], TOKENIZER, LONGEST).contents
    assert text.startswith(b"begin")
    assert text.endswith(b"end")


def test_revision_begins_with_what_stands_and_moves_nothing_that_stands_firm():
    text, span = b"keep this, look at that", [Change(11, 18, revise=True)]
    sequence = edit_layout(text, span, TOKENIZER, LONGEST)
    assert sequence.drafted.tolist() == [11 <= place < 18 for place in range(len(text))]
    firm = Sampler(MODEL, pace=Threshold(0.0), remasking=LowProbability(0.0))
    assert edit(firm, text, span, TOKENIZER, LONGEST).contents == (text,)
    doubting = edit(SAMPLERS["doubting"], text, span, TOKENIZER, LONGEST, max_steps=6)
    assert doubting.contents[0] != text
    assert doubting.result.revisions.sum() > 0


def test_a_long_text_is_seen_through_a_sequence_around_its_changes():
    text = bytes(range(256)) * 4
    made = edit(SAMPLERS["by threshold"], text, [Change(500, 505)], TOKENIZER, LONGEST)
    assert len(made.draft.tokens) == LONGEST
    assert np.flatnonzero(made.draft.editable).tolist() == [*range(21, 26)]
    assert made.contents[0][:500] == text[:500]
    assert made.contents[0][-519:] == text[505:]
    at_the_end = edit_layout(text, [Change.insert(1024, 8)], TOKENIZER, LONGEST)
    assert at_the_end.spans == ((40, 48),)


class Lossy(Tokenizer):
    """A tokeniser that cannot give back what it reads: case is lost."""

    size, end = 257, 256

    def encode(self, text):
        return np.frombuffer(text.lower(), np.uint8).astype(np.int64)

    def decode(self, tokens):
        return bytes(token for token in tokens if token < 256)


def test_a_lossy_tokeniser_does_not_change_spans_outside_the_edit():
    [text] = edit(SAMPLERS["drawn"], b"KEPT gone ALSO", [Change(5, 9)], Lossy(), LONGEST).contents
    assert text.startswith(b"KEPT ")
    assert text.endswith(b" ALSO")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([], "nothing is to be changed"),
        ([Change(2, 99)], "2:99 is not in the text of 80 bytes"),
        ([Change(5, 2)], "5:2 is not in the text"),
        ([Change(0, 5), Change(4, 6)], "0:5 and 4:6 overlap"),
        ([Change.delete(0, 5)], "nothing to write"),
        ([Change.insert(0, -1)], "-1 tokens cannot be written"),
        ([Change(0, 5), Change(70, 80)], "80 tokens, the sequence holds 48; .* one at a time"),
    ],
)
def test_changes_that_cannot_be_met_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        edit(SAMPLERS["drawn"], b"x" * 80, changes, TOKENIZER, LONGEST)


def test_no_variation_is_refused():
    with pytest.raises(ValueError, match="n=0"):
        edit(SAMPLERS["drawn"], b"x", [Change(0, 1)], TOKENIZER, LONGEST, n=0)


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS.keys())
def test_certainties_of_spans_multiply_to_the_probability_of_the_answer(sampler):
    changes = [Change(1, 4), Change(6, 8), Change.insert(12, 3), Change(14, 16, revise=True)]
    edited = edit(sampler, b"a sentence of some words", changes, TOKENIZER, LONGEST, n=3, seed=5)
    assert [len(span.positions) for span in edited.spans] == [3, 2, 3, 2]
    logs = edited.certainty.log().where(edited.written > 0, 0.0) * edited.written
    assert torch.allclose(logs.sum(1), edited.result.log_probability)


def test_spans_are_those_of_the_changes_even_where_they_touch():
    edited = edit(SAMPLERS["drawn"], b"a sentence", [Change(0, 5), Change(5, 8), Change(9, 9, 0)], TOKENIZER, LONGEST)
    assert [(span.name, span.positions) for span in edited.spans] == [
        ("bytes 0:5", (0, 1, 2, 3, 4)),
        ("bytes 5:8", (5, 6, 7)),
    ]


def test_spans_of_a_draft_without_changes_are_its_runs_of_open_positions():
    draft = edit_layout(b"a sentence", [Change(0, 2), Change(5, 8)], TOKENIZER, LONGEST).draft(TOKENIZER)
    edited = editing.edit(SAMPLERS["drawn"], replace(draft, spans=()))
    assert [span.name for span in edited.spans] == ["positions 0 to 1", "positions 5 to 7"]


def test_what_is_only_looked_at_does_not_count_as_written():
    """A revised span that nothing touches is not written; where something is, the certainty is that of what was."""
    changes = [Change(0, 4, revise=True), Change(6, 8)]
    looked = edit(SAMPLERS["by threshold"], b"a sentence", changes, TOKENIZER, LONGEST)
    assert looked.written.tolist() == [[0, 2]]
    assert looked.certainty.isnan().tolist() == [[True, False]]
    doubted = edit(SAMPLERS["doubting"], b"a sentence", changes, TOKENIZER, LONGEST, max_steps=6)
    assert doubted.written.tolist() == [[4, 2]]
    assert (doubted.certainty < 1).all()
