"""Special tokens around prompts, stops in answers."""

import pytest

pytestmark = pytest.mark.pretrained
pytest.importorskip("transformers", reason="needs the extra pretrained")
pytest.importorskip("lm_eval", reason="needs the extra lm-eval")

from remote_models import BEGIN, END, tokenizer  # noqa: E402
from tokenizers.processors import TemplateProcessing  # noqa: E402

from adaptive_diffusion.plugins.lm_eval.text import Frame, Text  # noqa: E402

W = 4  # the token w0


def framing(template="[BEGIN] $A [END]"):
    """The tokenizer of the tests, putting special tokens around each text as BERT's does."""
    found = tokenizer()
    found._tokenizer.post_processor = TemplateProcessing(
        single=template, special_tokens=[("[BEGIN]", BEGIN), ("[END]", END)]
    )
    return found


def text(of, **settings):
    return Text(of, Frame.of(of, **settings), {END})


def test_special_tokens_are_those_that_the_tokenizer_adds():
    assert Frame.of(tokenizer()) == Frame()
    assert Frame.of(framing()) == Frame((BEGIN,), (END,))
    assert Frame.of(framing("[BEGIN] $A")) == Frame((BEGIN,))
    assert Frame.of(framing("$A [END]")) == Frame((), (END,))


@pytest.mark.parametrize(
    ("settings", "frame"),
    [
        ({"add_special_tokens": False}, Frame()),
        ({"add_special_tokens": True}, Frame((BEGIN,), (END,))),
        ({"add_bos_token": False}, Frame((), (END,))),
        ({"add_bos_token": True}, Frame((BEGIN,), (END,))),
        ({"add_bos_token": True, "add_special_tokens": False}, Frame((BEGIN,))),
    ],
)
def test_arguments_change_the_special_tokens(settings, frame):
    assert Frame.of(framing(), **settings) == frame


def test_beginning_token_is_added_where_the_tokenizer_does_not():
    assert Frame.of(tokenizer(), add_bos_token=True) == Frame((BEGIN,))


def test_beginning_token_that_does_not_exist_is_refused():
    without = tokenizer()
    without.bos_token = None
    with pytest.raises(ValueError, match="add_bos_token=True: the tokenizer has no"):
        Frame.of(without, add_bos_token=True)
    with pytest.raises(ValueError, match="add_bos_token='yes'"):
        Frame.of(tokenizer(), add_bos_token="yes")


def test_prompt_of_a_chat_template_gets_its_special_tokens_once():
    reading = text(framing())
    assert reading.frame.begin(reading.encode("w0 w1")) == [BEGIN, W, W + 1]
    assert reading.frame.begin(reading.encode("[BEGIN] w0 w1")) == [BEGIN, W, W + 1]


def test_pair_is_split_where_the_context_ends():
    reading = text(framing())
    assert reading.pair("w0 w1 ", "w2") == ([BEGIN, W, W + 1], [W + 2])
    assert reading.pair("", "w2 w3") == ([BEGIN], [W + 2, W + 3])
    with pytest.raises(ValueError, match="'' has no tokens"):
        reading.pair("w0", "")


ANSWER = [W + 1, BEGIN, W + 2, W + 3, END, W + 4]  # w1 [BEGIN] w2 w3 [END] w4


@pytest.mark.parametrize(
    ("stops", "expected"),
    [
        ([], "w1 w2 w3"),
        (["w3"], "w1 w2 "),
        (["[BEGIN]"], "w1"),
        (["[BEGIN] w2"], "w1"),
        (["w2", "[BEGIN]"], "w1"),
        (["w1 w2"], ""),
        (["BEGIN"], "w1 w2 w3"),
        (["[END]"], "w1 w2 w3"),
        (["w4"], "w1 w2 w3"),
    ],
)
def test_answer_ends_at_the_first_stop_or_end_token(stops, expected):
    assert text(tokenizer()).answer(ANSWER, stops).rstrip() == expected.rstrip()


def test_answer_that_begins_with_an_end_token_is_empty():
    assert text(tokenizer()).answer([END, W, W], []) == ""
    assert text(tokenizer()).answer([], ["w1"]) == ""
