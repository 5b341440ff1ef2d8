"""Texts scored by a causal model: windows score every token once, and the bits are those of the model's own loss."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from adaptive_diffusion.evaluation.pretrained_reference import PretrainedReference


class Bigram(nn.Module):
    """p(next | present) alone, so that windows cannot change it."""

    def __init__(self):
        super().__init__()
        self.table = torch.randn(128, 128, generator=torch.Generator().manual_seed(0))

    def forward(self, input_ids):
        return type("Output", (), {"logits": self.table[input_ids]})


class Letters:
    """A token for each character; 0 begins a text."""

    bos_token_id = 0

    def __call__(self, text, add_special_tokens):
        assert not add_special_tokens
        return {"input_ids": [ord(letter) for letter in text]}

    def decode(self, ids):
        return "".join(map(chr, ids))


def expected(text):
    table = Bigram().table.double().log_softmax(-1)
    ids = [0, *map(ord, text)]
    return -sum(float(table[one, other]) for one, other in pairwise(ids)) / math.log(2)


@pytest.mark.parametrize("context", [2, 3, 4, 7, 8, 100])
@pytest.mark.parametrize("text", ["", "a", "ab", "abcdefg", "a longer text of thirty letters"])
def test_every_token_is_scored_once(context, text):
    reference = PretrainedReference(Bigram(), Letters(), context)
    assert reference.bits([text])[0] == pytest.approx(expected(text))


def test_bits_per_byte_count_bytes_and_not_tokens():
    reference = PretrainedReference(Bigram(), Letters())
    assert reference.bits_per_byte(["ab", "abc"]) == pytest.approx((expected("ab") + expected("abc")) / 5)
    with pytest.raises(ValueError, match="no bytes"):
        reference.bits_per_byte([""])


def test_context_that_predicts_nothing_is_refused():
    with pytest.raises(ValueError, match="context=1"):
        PretrainedReference(Bigram(), Letters(), 1)


def test_text_is_continued_by_the_most_probable_token_each_time():
    text = PretrainedReference(Bigram(), Letters()).continued("a", 5)
    best = Bigram().table.argmax(1).tolist()
    assert len(text) == 5
    assert all(ord(other) == best[ord(one)] for one, other in pairwise(f"a{text}"))
    nameless = Letters()
    nameless.bos_token_id = None
    with pytest.raises(ValueError, match="the text is empty"):
        PretrainedReference(Bigram(), nameless).continued("", 1)
    ab, a = expected("ab"), expected("a")
    assert PretrainedReference(Bigram(), nameless).bits(["ab"])[0] == pytest.approx(ab - a)


def test_bits_of_a_continuation_are_bits_of_the_text_minus_bits_of_its_prefix():
    transformers = pytest.importorskip("transformers")
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=128, **shape)).eval()
    reference = PretrainedReference(model, Letters(), context=40)
    texts = ["a longer text", "b", "", "bc", "a longer text of 30 letters"]
    both = reference.bits([f"before {text}" for text in texts]) - reference.bits(["before "])
    for rows in (1, 2, 16):
        assert reference.bits_behind("before ", texts, rows) == pytest.approx(both, abs=1e-4)
    assert reference.bits_behind("", ["ab"]) == pytest.approx(reference.bits(["ab"]), abs=1e-4)
    with pytest.raises(ValueError, match="41 tokens are more than the context of 40"):
        reference.bits_behind("before ", ["x" * 33])
