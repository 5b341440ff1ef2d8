"""Bytes to tokens and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer, PretrainedTokenizer


@given(some.binary())
def test_bytes_come_back(text):
    tokenizer = ByteTokenizer()
    tokens = tokenizer.encode(text)
    assert tokenizer.decode(tokens.tolist()) == text
    assert tokenizer.decode([tokenizer.end, *tokens.tolist(), tokenizer.size]) == text


def test_every_token_has_a_symbol():
    symbols = ByteTokenizer().symbols()
    assert symbols[65] == "A"
    assert symbols[200] == "\\xc8"
    assert set(symbols) == set(range(257))


def test_a_pretrained_tokeniser_from_a_folder(tmp_path):
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    words = {"<s>": 0, "hello": 1, "world": 2, "<unk>": 3}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<unk>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<s>").save_pretrained(tmp_path)
    tokenizer = PretrainedTokenizer(str(tmp_path))
    assert (tokenizer.size, tokenizer.end) == (4, 0)
    assert tokenizer.encode(b"hello world").tolist() == [1, 2]
    assert tokenizer.decode([1, 2, 0, 9]) == b"hello world"


def test_what_separates_texts_ends_one_where_nothing_else_does(tmp_path):
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "[SEP]": 1}, unk_token="a"))
    transformers.PreTrainedTokenizerFast(tokenizer_object=made, sep_token="[SEP]").save_pretrained(tmp_path)
    assert PretrainedTokenizer(str(tmp_path)).end == 1


def test_a_pretrained_tokeniser_without_an_end_is_refused(tmp_path):
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, unk_token="a"))
    transformers.PreTrainedTokenizerFast(tokenizer_object=made).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="no end-of-sequence token"):
        PretrainedTokenizer(str(tmp_path)).end  # noqa: B018


def test_a_tokeniser_that_is_not_there_ends_in_a_sentence(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(ValueError, match="set task.tokenizer.name to the folder where it lies"):
        PretrainedTokenizer(str(tmp_path / "missing")).end  # noqa: B018
