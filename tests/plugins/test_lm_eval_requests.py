"""Answers and likelihoods depend on their own request alone; faults end alone."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

pytestmark = pytest.mark.pretrained
pytest.importorskip("transformers", reason="needs the extra pretrained")
lm_eval = pytest.importorskip("lm_eval", reason="needs the extra lm-eval")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from remote_models import publish, tokenizer  # noqa: E402
from tokenizers.processors import TemplateProcessing  # noqa: E402

from adaptive_diffusion.core.query import Queries  # noqa: E402
from adaptive_diffusion.models.heads import DenoiserWithHeads  # noqa: E402
from adaptive_diffusion.models.pretrained import DiffusionGemma, LLaDA  # noqa: E402
from adaptive_diffusion.plugins import lm_eval as plugin  # noqa: E402
from adaptive_diffusion.plugins.lm_eval.requests import Costs, Row, number, queries, repeats, width  # noqa: E402
from adaptive_diffusion.plugins.lm_eval.text import Frame, Text  # noqa: E402
from adaptive_diffusion.rules.pace import Threshold  # noqa: E402
from adaptive_diffusion.rules.proposal import Argmax  # noqa: E402
from adaptive_diffusion.sampling import Sampler  # noqa: E402

PROMPTS = ["w1 w2 w3", "w5", "w3 w9 w9 w2 w0", " ".join(["w4"] * 40)]


def request(text, options=None, document=0, task="t", index=0):
    args = (text, {"max_gen_toks": 6, "until": []} if options is None else options)
    return SimpleNamespace(args=args, task_name=task, doc_id=document, idx=index)


def pair(context, continuation=" w3 w4 w5", document=0, task="t"):
    return SimpleNamespace(args=(context, continuation), task_name=task, doc_id=document, idx=0)


def model(exported, sampler="maskgit", **settings):
    return plugin.DiffusionLM(exported, sampler=sampler, draws=3, **settings)


def each(prompts=PROMPTS, **settings):
    return [request(text, document=place, **settings) for place, text in enumerate(prompts)]


def with_model(monkeypatch, denoiser, sampler):
    """A DiffusionLM on a denoiser that no config names."""
    from adaptive_diffusion.plugins.lm_eval import model as module

    monkeypatch.setattr(module, "_open", lambda name, allow: DenoiserWithHeads(denoiser))
    return plugin.DiffusionLM("stand-in", sampler=sampler, draws=3)


def test_answers_and_likelihoods_do_not_depend_on_requests_before_them(exported):
    first = model(exported).generate_until(each())
    assert len(set(first)) > 1
    other = [request("w9 w9", task="other")]
    assert model(exported).generate_until(other + each())[1:] == first
    assert model(exported).generate_until(each()[::-1])[::-1] == first
    pairs = [pair(text, document=place) for place, text in enumerate(PROMPTS)]
    scores = model(exported).loglikelihood(pairs)
    assert model(exported).loglikelihood([pair("w9", task="other"), *pairs])[1:] == scores
    assert model(exported).loglikelihood(pairs[::-1])[::-1] == scores


def test_documents_tasks_and_repeats_draw_apart(exported):
    same = [request("w1", document=place) for place in range(6)] + [request("w1", task="u")] + [request("w1")] * 3
    answers = model(exported).generate_until(same)
    assert len(set(answers)) > 1
    assert len(set(answers[-3:] + answers[:1])) > 1  # repeats of one document


@pytest.mark.parametrize("length", [1, 5, 8])
def test_answer_has_no_more_tokens_than_the_task_wants(exported, length):
    for name in ("max_gen_toks", "max_new_tokens", "max_tokens"):
        (answer,) = model(exported).generate_until([request("w1 w2 w3", {name: length, "until": []})])
        assert len(answer.split()) <= length
    assert model(exported, max_gen_toks=length).generate_until([request("w1 w2 w3", {"until": []})]) == [answer]


def test_options_are_checked_before_anything_is_computed(exported):
    lm = model(exported)
    with pytest.raises(ValueError, match="max_gen_toks=0"):
        lm.generate_until([request("w1"), request("w1", {"max_gen_toks": 0})])
    assert lm.costs.forwards == {}


@pytest.mark.parametrize("arguments", [{"steps": 7}, {"temperature": 0.3}, {"max_lenght": 5}])
def test_unknown_model_argument_is_refused(exported, arguments):
    with pytest.raises(ValueError, match=f"'{next(iter(arguments))}'"):
        model(exported, **arguments)


@pytest.mark.parametrize("arguments", [{"draws": 0}, {"max_gen_toks": -1}, {"batch_size": 0}])
def test_model_argument_below_one_is_refused(exported, arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))}="):
        plugin.DiffusionLM(exported, **arguments)


@pytest.mark.parametrize("sampler", ["confidence", "restart"])
def test_answers_end_at_the_end_tokens_of_the_model_without_further_forwards(exported, sampler):
    lm = model(exported, sampler)
    inner = lm.sampler.sampler if sampler == "restart" else lm.sampler
    assert inner.end_tokens == tuple(sorted(lm.denoiser.tokens.end))
    assert inner.end_tokens
    lm.sampler = lm.sampler.with_rules(end_tokens=tuple(range(lm.denoiser.vocabulary)))
    lm.generate_until(each(["w1 w2"]))
    ended = lm.forwards["t/0/0"]
    lm.sampler = lm.sampler.with_rules(end_tokens=())
    lm.generate_until(each(["w1 w2"]))
    assert ended < lm.forwards["t/0/0"] - ended


def test_greedy_options_replace_a_drawing_proposal_and_warn(exported):
    options = {"max_gen_toks": 6, "until": [], "do_sample": False}
    requests = [request(text, options, place) for place, text in enumerate(PROMPTS)]
    with pytest.warns(UserWarning, match=r"temperature=0.0.*Draw.*'maskgit'.*Argmax"):
        greedy = model(exported).generate_until(requests)
    assert greedy != model(exported).generate_until(each())
    own = model(exported)
    own.sampler = replace(own.sampler, proposal=Argmax())
    assert own.generate_until(each()) == greedy


def test_overlong_request_ends_alone_with_its_reason(exported):
    long = " ".join(["w1"] * 130)
    alone = model(exported).generate_until([request("w1"), request("w2", document=2)])
    lm = model(exported)
    with pytest.warns(UserWarning, match="1 of 3 requests.*t/1/0: 130 tokens.*128 positions"):
        answers = lm.generate_until([request("w1"), request(long, document=1), request("w2", document=2)])
    assert answers == [alone[0], "", alone[1]]
    assert set(lm.get_model_info()["faults"]) == {"t/1/0"}
    with pytest.warns(UserWarning, match="1 of 2 requests"):
        scores = lm.loglikelihood([pair(long), pair("w1", document=1)])
    assert scores[0] == (-torch.inf, False)
    assert scores[1][0] > -torch.inf


def test_row_that_predicts_nan_ends_alone_with_its_reason(exported, monkeypatch):
    sound = model(exported)
    requests, pairs = each(), [pair("w1"), pair("w5", document=1), pair("w2", document=2)]
    answers, scores = sound.generate_until(requests), sound.loglikelihood(pairs)
    lm = model(exported)
    hidden = lm.denoiser.hidden

    def faulty(tokens, status, noise_level=None):
        wrong = (tokens == 4 + 5).logical_and(status == 0).any(1)  # w5 in the prompt
        return hidden(tokens, status, noise_level).masked_fill(wrong[:, None, None], torch.nan)

    monkeypatch.setattr(lm.denoiser, "hidden", faulty)
    with pytest.warns(UserWarning, match="t/1/0: its prediction is not a number"):
        assert lm.generate_until(requests) == [answers[0], "", *answers[2:]]
    with pytest.warns(UserWarning, match="t/1/0: its predicted probabilities are not numbers"):
        assert lm.loglikelihood(pairs) == [scores[0], (-torch.inf, False), scores[2]]


def test_continuation_without_tokens_ends_alone(exported):
    with pytest.warns(UserWarning, match="t/0/0: the continuation '' has no tokens"):
        empty, sound = model(exported).loglikelihood([pair("w1", ""), pair("w1", document=1)])
    assert empty == (-torch.inf, False)
    assert -torch.inf < sound[0] < 0


def test_long_text_is_scored_in_parts_and_an_empty_one_is_certain(exported):
    lm = model(exported)
    texts = [" ".join(["w1", "w2"] * 100), "w1 w2", ""]
    scores = lm.loglikelihood_rolling(
        [SimpleNamespace(args=(text,), task_name="r", doc_id=i, idx=0) for i, text in enumerate(texts)]
    )
    assert scores[0] < scores[1] < scores[2] == 0
    parts = lm._parts(lm.text.encode(texts[0]))
    assert [token for _, written in parts for token in written] == lm.text.encode(texts[0])
    assert max(len(before) + len(written) for before, written in parts) == lm.denoiser.max_length


def test_likelihoods_say_that_nothing_is_sampled(exported):
    with pytest.warns(UserWarning, match="sampler 'maskgit' is not used.*is_greedy.*means nothing"):
        scores = model(exported).loglikelihood([pair("w1")])
    assert scores == model(exported, sampler="threshold pace.threshold=0.9").loglikelihood([pair("w1")])
    with pytest.warns(UserWarning, match="sampler 'maskgit' is not used"):
        model(exported).loglikelihood_rolling([SimpleNamespace(args=("w1",), task_name="r", doc_id=0, idx=0)])


def test_nothing_computed_has_no_mean():
    assert Costs().summary() == {
        "nfe_mean": None,
        "nfe_p95": None,
        "nfe_max": None,
        "nfe_by_request": {},
        "faults": {},
    }
    costs = Costs()
    costs.spend("a", 2)
    costs.spend("b", 4)
    costs.spend("b", 2)
    assert costs.summary()["nfe_mean"] == 4
    assert costs.summary()["nfe_max"] == 6


def test_special_tokens_of_the_tokenizer_are_read_by_the_model(exported, monkeypatch):
    lm = model(exported)
    lm.tokenizer._tokenizer.post_processor = TemplateProcessing(
        single="[BEGIN] $A [END]", special_tokens=[("[BEGIN]", 2), ("[END]", 1)]
    )
    lm.text = Text(lm.tokenizer, Frame.of(lm.tokenizer), lm.denoiser.tokens.end)
    seen = []
    hidden = lm.denoiser.hidden
    monkeypatch.setattr(
        lm.denoiser, "hidden", lambda tokens, *rest: seen.append(tokens.clone()) or hidden(tokens, *rest)
    )
    lm.generate_until([request("w1 w2", {"max_gen_toks": 3, "until": []})])
    assert seen[0][0, -7:].tolist() == [2, 5, 6, 3, 3, 3, 1]


# A model whose code ignores its attention mask, as published LLaDA code does.


@pytest.mark.filterwarnings("ignore:.*padding before a prompt")
def test_requests_are_grouped_by_exact_length_where_padding_changes_predictions(tmp_path, monkeypatch):
    denoiser = LLaDA.from_pretrained(publish(tmp_path, "IgnoresItsMask", LLaDA.auto), remote_code=True)
    lm = with_model(monkeypatch, denoiser, "threshold pace.threshold=0.9")
    assert lm.get_model_info()["prompts_padded"] is False
    for text, answer in zip(PROMPTS, lm.generate_until(each()), strict=True):
        tokens = torch.tensor([lm.text.encode(text) + [0] * 6])
        editable = torch.arange(tokens.shape[1])[None] >= tokens.shape[1] - 6
        alone = Sampler(denoiser, pace=Threshold(0.9)).sample(Queries.of(tokens, editable)).answers[0, -6:]
        assert answer == lm.text.answer(alone.tolist(), ())


def test_answer_of_a_sequence_is_cut_to_the_number_of_tokens(tmp_path, monkeypatch):
    from tiny_pretrained import CANVAS, diffusion_gemma

    diffusion_gemma().save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    denoiser = DiffusionGemma.from_pretrained(str(tmp_path))
    lm = with_model(monkeypatch, denoiser, "diffusion_gemma")
    lm.text = type(lm.text)(lm.tokenizer, lm.text.frame, frozenset())  # no end token
    for length in (1, 5, CANVAS, CANVAS + 1):
        options = {"max_gen_toks": length, "until": []}
        tokens = []
        monkeypatch.setattr(type(lm.text), "answer", lambda self, row, stops, seen=tokens: seen.append(row) or "")
        lm.generate_until([request("w1 w2 w3", options)])
        assert len(tokens[0]) == length


# Numbers and layout.


@given(st.lists(st.sampled_from(["a/0/0", "a/1/0", "b/0/0"]), max_size=8))
def test_query_ids_are_distinct_and_come_from_the_key_alone(names):
    ids = [number(name, repeat) for name, repeat in zip(names, repeats(names), strict=True)]
    assert len(set(ids)) == len(ids)
    assert all(0 <= one < 2**63 for one in ids)
    assert {number(name) for name in names} <= set(ids)


@given(st.integers(1, 200), st.sampled_from([None, 128, 200, 512]))
def test_width_holds_the_row_and_stays_within_the_limit(length, limit):
    columns = width(length, False, limit)
    assert columns >= length
    assert limit is None or length > limit or columns <= limit
    assert width(length, True, limit) == length


def test_rows_are_padded_on_the_left_and_editable_where_they_are_written():
    rows = [Row(0, 7, [4, 5], [9, 9], [1]), Row(1, 8, [4], [9], [])]
    found = queries(rows, 6, 0, "cpu")
    assert found.ids.tolist() == [7, 8]
    assert found.tokens.tolist() == [[0, 4, 5, 9, 9, 1], [0, 0, 0, 0, 4, 9]]
    assert found.editable.int().tolist() == [[0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 0, 1]]
