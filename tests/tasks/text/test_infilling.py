"""Code problems: what is open, what must parse."""

import numpy as np
import pytest
import torch

from adaptive_diffusion.tasks.text.corpora import Document
from adaptive_diffusion.tasks.text.infilling import body_lines, functions, identifiers, infilling, parses
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
TASK = TextTask(160)


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
    assert parses(code)


@pytest.mark.parametrize("code", [b"x = ", b"\xff", b"x = \0", b"(" * 100_000, b"def f():\nreturn 1"])
def test_what_is_no_code_does_not_parse(code):
    assert not parses(code)


@pytest.fixture(scope="module")
def problems():
    return infilling((Document("a", CODE, "a"),), ByteTokenizer(), 160, 4)


def test_the_reference_is_exact_and_valid(problems):
    correctness = TASK.verify(torch.from_numpy(problems.tokens), problems)
    assert correctness.exact.all()
    assert correctness.valid.all()
    assert set(problems.kind) == {"identifier", "line"}
    for row, editable in zip(problems.tokens, problems.editable, strict=True):
        assert bytes(row[editable].tolist()) in CODE


def test_the_sequence_is_a_piece_of_the_text_and_its_function_is_whole(problems):
    for row, (start, stop) in zip(problems.tokens, problems.scope, strict=True):
        assert ByteTokenizer().decode(row.tolist()) in CODE
        assert parses(ByteTokenizer().decode(row[start:stop].tolist()))


def test_an_answer_that_breaks_the_code_is_not_valid_and_one_that_touches_what_is_given_neither(problems):
    answers = torch.from_numpy(problems.tokens)
    broken = answers.masked_fill(torch.from_numpy(problems.editable), ord(")"))
    correctness = TASK.verify(broken, problems)
    assert not correctness.valid.any()
    assert not correctness.exact.any()
    touched = answers.clone()
    touched[:, 0] += 1
    assert not TASK.verify(touched, problems).valid.any()


def test_too_few_functions_are_said():
    with pytest.raises(ValueError, match="problems of the 400 wanted"):
        infilling((Document("a", CODE, "a"),), ByteTokenizer(), 160, 400)


def test_problems_follow_the_seed(problems):
    again = infilling((Document("a", CODE, "a"),), ByteTokenizer(), 160, 4)
    assert np.array_equal(again.editable, problems.editable)
