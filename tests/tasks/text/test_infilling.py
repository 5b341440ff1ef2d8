"""Infilling problems: what is open, what a checker gets."""

import numpy as np
import pytest
import torch

from adaptive_diffusion.tasks.text.checkers import graded_text, parses_python
from adaptive_diffusion.tasks.text.corpora import Document
from adaptive_diffusion.tasks.text.holes import (
    LineEnds,
    PythonFunctions,
    RandomSpans,
    body_lines,
    functions,
    identifiers,
)
from adaptive_diffusion.tasks.text.infilling import infilling
from adaptive_diffusion.tasks.text.task import TextTask
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer

CODE = b'''import math

class Circle:
    """Round: \xc3\xa9."""

    def area(self, scale):
        # the usual
        value = math.pi * self.radius ** 2
        return value * scale

def far(radius):
    return radius > 3
'''
TASK = TextTask(160, checker=parses_python)
CODE_DOCUMENT = (Document("a", CODE, "a"),)


def test_functions_are_found_with_their_lines():
    found = [CODE[first:last] for first, last, _ in functions(CODE, 1000)]
    assert [text.split(b"(")[0].strip() for text in found] == [b"def far", b"def area"]
    assert [len(text) for text in found] == [39, 119]
    assert [CODE[first:last][:7] for first, last, _ in functions(CODE, 60)] == [b"def far"]


def test_holes_are_names_that_occur_again_and_lines_of_bodies():
    [far, area] = functions(CODE, 1000)
    assert [CODE[hole.start : hole.stop] for hole in identifiers(CODE, area)] == [b"value", b"value"]
    assert list(identifiers(CODE, far)) == []
    lines = [CODE[hole.start : hole.stop] for hole in body_lines(CODE, area)]
    assert lines == [b"value = math.pi * self.radius ** 2", b"return value * scale"]


@pytest.mark.parametrize("code", [b"x = 1", b"    x = 1\n    y = 2", b"def f():\n  return 1\n"])
def test_code_parses_at_any_indentation(code):
    assert parses_python(code.decode())


@pytest.mark.parametrize("code", [b"x = ", b"\xff", b"x = \0", b"(" * 100_000, b"def f():\nreturn 1"])
def test_what_is_no_code_does_not_parse(code):
    assert graded_text(parses_python, code) == 0


@pytest.fixture(scope="module")
def problems():
    return infilling(CODE_DOCUMENT, [PythonFunctions()], ByteTokenizer(), 160, 4)


def test_the_reference_is_exact_and_valid(problems):
    correctness = TASK.verify(torch.from_numpy(problems.tokens), problems)
    assert correctness.exact.all()
    assert correctness.valid.all()
    assert set(problems.kind) == {"identifier", "line"}
    for row, editable in zip(problems.tokens, problems.editable, strict=True):
        assert bytes(row[editable].tolist()) in CODE


def test_sequence_is_a_piece_of_the_text_and_has_all_of_its_function(problems):
    for row, (start, stop) in zip(problems.tokens, problems.scope, strict=True):
        assert ByteTokenizer().decode(row.tolist()) in CODE
        assert parses_python(ByteTokenizer().decode(row[start:stop].tolist()).decode())


def test_answer_that_breaks_the_code_or_changes_what_is_given_is_not_valid(problems):
    answers = torch.from_numpy(problems.tokens)
    broken = answers.masked_fill(torch.from_numpy(problems.editable), ord(")"))
    correctness = TASK.verify(broken, problems)
    assert not correctness.valid.any()
    assert not correctness.exact.any()
    touched = answers.clone()
    touched[:, 0] += 1
    assert not TASK.verify(touched, problems).valid.any()


def test_fewer_problems_than_wanted_are_all_there_are():
    found = infilling(CODE_DOCUMENT, [PythonFunctions()], ByteTokenizer(), 160, 400)
    assert len(found) == 5
    assert infilling((Document("a", b"x = 1", "a"),), [PythonFunctions()], ByteTokenizer(), 160, 4) is None


def test_problems_follow_the_seed(problems):
    again = infilling(CODE_DOCUMENT, [PythonFunctions()], ByteTokenizer(), 160, 4)
    assert np.array_equal(again.editable, problems.editable)


PROSE = "Ein Satz über Bäume.\nThe second line is longer, and it has a comma.\n\n    indented\n".encode() * 4


@pytest.mark.parametrize("text", [PROSE, b"CC(=O)Oc1ccccc1C(=O)O", CODE], ids=["prose", "molecule", "code"])
def test_spans_and_line_ends_are_made_of_any_text(text):
    document = Document("a", text, "a")
    found = infilling((document,), [RandomSpans(3, 8), LineEnds(3, 8)], ByteTokenizer(), 64, 6)
    assert set(found.kind) == {"span", "line end"}
    for row, editable, scope, kind in zip(found.tokens, found.editable, found.scope, found.kind, strict=True):
        tokens = row.tolist()
        assert ByteTokenizer().decode(tokens) in text
        opened = ByteTokenizer().decode(row[editable].tolist())
        assert opened.decode().strip()
        assert 3 <= len(opened) <= 10
        assert scope[0] == 0
        assert ByteTokenizer().decode(tokens[: scope[1]]) == ByteTokenizer().decode(tokens)
        stop = int(np.flatnonzero(editable)[-1]) + 1
        assert kind == "span" or tokens[stop] in (*b"\r\n", 256)


@pytest.mark.parametrize("source", [RandomSpans, LineEnds])
def test_lengths_in_the_wrong_order_are_refused(source):
    with pytest.raises(ValueError, match="shortest=5 and longest=4"):
        source(5, 4)


def test_text_too_short_for_a_span_gives_none():
    assert infilling((Document("a", b"abc", "a"),), [RandomSpans(), LineEnds()], ByteTokenizer(), 64, 6) is None
