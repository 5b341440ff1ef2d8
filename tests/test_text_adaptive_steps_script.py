"""The reference models of the experiment text_adaptive_steps, by hand."""

import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems, passage
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer

SCRIPTS = Path(__file__).parents[1] / "experiments" / "text_adaptive_steps"


@pytest.fixture
def references(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield import_module("references")
    sys.modules.pop("references")


class SquareModel:
    """A text has as many bits as its bytes squared, and one for each byte before it; it keeps what it was asked."""

    def __init__(self):
        self.asked = []
        self.model = SimpleNamespace(config=SimpleNamespace(_name_or_path="imported/square/"))

    def bits_behind(self, before, texts):
        self.asked += texts
        return np.array([float(len(text)) ** 2 + len(before) for text in texts])


def problem(before, hole, after, length):
    tokenizer = ByteTokenizer()
    pieces = [(tokenizer.encode(before), False), (tokenizer.encode(hole), True), (tokenizer.encode(after), False)]
    return passage(pieces, length, tokenizer.end)


def test_published_model_scores_what_is_written_given_what_stands_before_it(references):
    model = SquareModel()
    reference = references.TextReference(model, ByteTokenizer())
    problems = InfillingProblems.concatenate([problem(b"ab", b"cde", b"fg", 400), problem(b"x" * 320, b"y", b"", 400)])
    tokens = torch.from_numpy(problems.tokens)
    assert reference.name == "square"
    # of the first text 5 bytes are scored, of which 3 were open; of the second, 300 bytes before its one are read
    assert reference.of_written(tokens, problems).tolist() == [(5**2 + 2) / 3, 1 + 300]
    assert reference.of_open(problems).tolist() == [(3**2 + 2) / 3, 1 + 300]
    written = tokens.clone()
    written[0, 2:5] = torch.tensor(list(b"xyz"))
    assert (
        reference.of_written(written.repeat(2, 1), problems.take(torch.tensor([0, 1, 0, 1]))).tolist() == [9, 301] * 2
    )
    assert model.asked == ["cdefg", "y", "cde", "xyzfg"]  # each text once


def test_sixteen_bytes_behind_what_was_open_count(references):
    model = SquareModel()
    one = problem(b"", b"abcd", b"f" * 40, 60)
    scored = references.TextReference(model, ByteTokenizer()).of_written(torch.from_numpy(one.tokens), one)
    assert scored.tolist() == [20**2 / 4]
