"""The demo of English, with a text model that comes with the package and a reference model of one table."""

import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import nn

from adaptive_diffusion.evaluation.pretrained_reference import PretrainedReference
from adaptive_diffusion.runs.trained_model import load_trained_model

SCRIPTS = Path(__file__).parents[1] / "experiments" / "english_trunk"


class Next(nn.Module):
    """Each byte is followed by the next one in the alphabet."""

    def forward(self, input_ids):
        logits = nn.functional.one_hot((input_ids + 1).clamp(max=255), 256).double()
        return type("Output", (), {"logits": logits})


class Bytes:
    bos_token_id = None

    def __call__(self, text, add_special_tokens):
        return {"input_ids": list(text.encode())}

    def decode(self, ids):
        return bytes(ids).decode()


@pytest.fixture
def script(monkeypatch, request):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield import_module(request.param)
    sys.modules.pop(request.param)


@pytest.mark.parametrize("script", ["demo"], indirect=True)
def test_gap_is_filled_and_the_first_part_is_continued(script):
    source = load_trained_model("text")
    sentences = (("if x is", ": return"), ("def a", "(b):"))
    rows = script.compared(source, "threshold", PretrainedReference(Next(), Bytes()), sentences, 4)
    for row, (begin, end) in zip(rows, sentences, strict=True):
        assert row["text"].startswith(begin)
        assert row["text"].endswith(end)
        assert 1 <= row["nfe"] <= 4
        assert row["begin"] == begin
    assert [row["continued"] for row in rows] == ["tuvw", "bcde"]
    assert torch.tensor([row["bits_per_byte"] for row in rows]).isfinite().all()
