"""A faulty row ends alone, with its reason; its neighbours are what they would be without it, to the last bit."""

import warnings
from dataclasses import replace

import pytest
import torch
from small_worlds import random_queries, transformer

from adaptive_diffusion.config import ConfigSearch, compose_part, instantiate
from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rule import Halting, UnmaskingOrder
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.evaluation.replay import Replay
from adaptive_diffusion.models.answer_quality import AnswerQualityHead
from adaptive_diffusion.models.halting_head import TrajectoryHaltingHead
from adaptive_diffusion.models.heads import DenoiserWithHeads, HaltingHead, QualityHead, UnmaskingHead
from adaptive_diffusion.models.policy import PolicyHead
from adaptive_diffusion.models.positions import LearnedPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.models.wrappers import NoisePlanner, Planned
from adaptive_diffusion.rules.pace import FixedSteps
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.runs.catalogue import presets
from adaptive_diffusion.runs.compare import build_sampler
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.sampling.slots import frozen
from adaptive_diffusion.sampling.tracing import TraceRecorder

FIELDS = ("answers", "nfe", "halt_reason", "revisions", "log_probability", "cycled", "budget_spent")
K, L = 7, 9
NAN, RAISES = 5, 6
"""Tokens that make a row faulty where they are given first: at once, or from the second forward on."""

PRESETS = [(preset.name, kind) for preset in presets(ConfigSearch.of()) for kind in sorted(preset.corruption)]
pytestmark = pytest.mark.filterwarnings("ignore:.*(revised nothing|ended in a fault)")


class Fragile(TransformerDenoiser):
    """A transformer that fails for some rows."""

    seen = 0

    def embedded(self, tokens, *rest, **more):
        x, first = super().embedded(tokens, *rest, **more), tokens[:, :1]
        if (first == RAISES).any():
            self.seen += 1
            if self.seen > 1:
                raise RuntimeError("this sequence is cursed")
        return x.masked_fill((first == NAN)[..., None], torch.nan)


def fragile(kind="absorbing", width=32):
    torch.manual_seed(0)
    places = LearnedPositions([[place] for place in range(L)])
    trunk = Fragile(K, places, width, 1, 2, corruption=Uniform(K) if kind == "uniform" else Absorbing(K)).eval()
    torch.nn.init.normal_(trunk.head.weight, std=0.4)
    return trunk


def with_heads(kind):
    quality = QualityHead(32, init_bias=0.0)
    torch.nn.init.normal_(quality.out.weight)
    heads = {"quality": quality, "halting": HaltingHead(32), "policy": PolicyHead(), "unmasking": UnmaskingHead(32)}
    heads["answer_quality"] = AnswerQualityHead(32)
    heads |= {"cost_aware": TrajectoryHaltingHead(32, 3), "q_halting": TrajectoryHaltingHead(32, 2)}
    return DenoiserWithHeads(fragile(kind), heads).eval()


def model_for(name, kind):
    torch.manual_seed(0)
    if name == "ddpd":
        return DenoiserWithHeads(Planned(with_heads("absorbing"), NoisePlanner(with_heads("uniform")))).eval()
    return with_heads(kind)


def queries_beginning_with(first: list[int]) -> Queries:
    """A query for each of these first tokens; the rest of it depends on its place in the list alone."""
    queries = random_queries(len(first), L, NAN)
    queries.tokens[:, 0], queries.editable[:, 0] = torch.tensor(first), False
    queries.editable[:, 1] = True
    return queries


def assert_rows_equal(result, rows, expected):
    for field in FIELDS:
        assert torch.equal(getattr(result, field)[rows], getattr(expected, field)), field


@pytest.mark.parametrize(("name", "kind"), PRESETS, ids=" ".join)
def test_the_neighbours_of_faulty_rows_answer_as_if_they_were_alone(name, kind):
    recipe, call = instantiate(compose_part("sampler", name)), {} if name == "restart" else {"max_steps": 6}
    queries, sound = queries_beginning_with([0, 1, NAN, 3, 4, RAISES]), torch.tensor([0, 1, 3, 4])
    result = build_sampler(recipe, model_for(name, kind)).sample(queries, seed=3, slots=4, **call)
    sampler = build_sampler(recipe, model_for(name, kind))
    alone = sampler.sample(queries.take(sound), seed=3, **call)
    one = sampler.sample(queries.take(slice(3, 4)), seed=3, **call)
    assert_rows_equal(result, sound, alone)
    assert_rows_equal(result, slice(3, 4), one)
    assert (alone.halt_reason[:, None] != torch.tensor([HaltReason.RUNNING, HaltReason.FAULT])).all()
    assert result.halt_reason[2] == HaltReason.FAULT
    assert torch.equal(result.answers[~queries.editable], queries.tokens[~queries.editable])


@pytest.fixture
def one_by_one():
    return Sampler(fragile(), proposal=Draw(), pace=FixedSteps(4))


OPTIONS = {
    "alone": {},
    "one slot": {"slots": 1},
    "two slots": {"slots": 2},
    "frozen": {"loop": frozen},
    "three variations": {"n": 3},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_a_faulty_row_has_its_reason_and_its_tokens(one_by_one, options):
    queries = queries_beginning_with([0, NAN, 2, RAISES])
    result = one_by_one.sample(queries, **options)
    n = options.get("n", 1)
    faulty = [row for row in range(4 * n) if row // n in (1, 3)]
    assert sorted(result.faults) == faulty
    assert (result.halt_reason[faulty] == HaltReason.FAULT).all()
    assert (result.halt_reason == HaltReason.FAULT).sum() == 2 * n
    assert result.faults[n] == "its prediction is not a number"
    assert result.faults[3 * n] == "this sequence is cursed"
    assert result.why(3 * n) == "the row was stopped because its prediction could not be used: this sequence is cursed"
    assert (result.log_probability[faulty] == -torch.inf).all()
    assert torch.equal(result.answers[n] == OPEN, queries.editable[1])
    assert (result.answers[result.halt_reason != HaltReason.FAULT] >= 0).all()


def test_faults_are_warned_of(one_by_one):
    with pytest.warns(UserWarning, match="1 of 3 answers ended in a fault, the first at query 1: its prediction is"):
        one_by_one.sample(queries_beginning_with([0, NAN, 2]))


def test_denoiser_that_raises_for_every_row_raises_its_own_error():
    denoiser = fragile()
    denoiser.seen = 1
    with pytest.raises(RuntimeError, match="cursed"):
        Sampler(denoiser).sample(queries_beginning_with([RAISES] * 40), slots=1)
    assert denoiser.seen <= 40


def test_rows_that_fail_only_together_are_no_rows_fault():
    class Flat(UnmaskingOrder):
        """Gives one number for each row, which broadcasts where there is one row."""

        def __call__(self, state, prediction, candidate):
            return prediction["confidence"].mean(1)

    queries = queries_beginning_with([0, 1, 2, NAN])
    with pytest.raises(ValueError, match=r"2 rows failed, although each .* alone.* wrong shape, such as \[B\]"):
        Sampler(fragile(), order=Flat()).sample(queries)


class WholeScores(UnmaskingOrder):
    """An order whose scores are whole numbers."""

    def __call__(self, state, prediction, candidate):
        return candidate.token


class BareTensor(Halting):
    """A halting rule that returns which rows stop, and no decision."""

    def __call__(self, state, prediction, decision):
        return state.running


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"order": WholeScores()}, "WholeScores returned scores of torch.int64; return"),
        ({"halting": BareTensor()}, "BareTensor returned a Tensor; its __call__ must return a HaltDecision"),
    ],
)
def test_result_of_another_kind_than_a_rule_returns_names_the_rule(rules, sentence):
    with pytest.raises(ValueError, match=sentence):
        Sampler(fragile(), **rules).sample(queries_beginning_with([0]))


def test_memory_that_runs_out_is_no_rows_fault():
    class Greedy(Fragile):
        def embedded(self, tokens, *rest, **more):
            raise MemoryError

    denoiser = fragile()
    denoiser.__class__ = Greedy
    with pytest.raises(MemoryError):
        Sampler(denoiser).sample(queries_beginning_with([0, 1]))


def test_a_token_that_the_vocabulary_does_not_have_is_a_fault_of_its_row(one_by_one):
    queries = queries_beginning_with([0, 1, 2])
    queries.tokens[1, 0] = 99
    result = one_by_one.sample(queries)
    assert list(result.faults) == [1]
    assert "index out of range" in result.faults[1]


def test_a_contradiction_that_the_denoiser_gives_no_chance_is_a_fault_of_its_row():
    class Strict(Fragile):
        """Assumes that no answer begins with two equal tokens."""

        def evaluate(self, state):
            evaluation = super().evaluate(state)
            impossible = (state.tokens[:, 0] == state.tokens[:, 1])[:, None, None]
            return replace(evaluation, hidden=evaluation.hidden.masked_fill(impossible, torch.inf))

        def logits(self, hidden):
            return super().logits(hidden.nan_to_num(posinf=0)).masked_fill(hidden[:, :1].isinf(), -torch.inf)

    denoiser = fragile()
    denoiser.__class__ = Strict
    queries = queries_beginning_with([0, 1])
    queries.tokens[:, 1], queries.editable[:, 1] = 0, False
    queries.editable[:, 2] = True
    result = Sampler(denoiser).sample(queries)
    assert result.halt_reason.tolist() == [HaltReason.FAULT, HaltReason.ALL_COMMITTED]


def test_a_judgement_that_is_no_number_is_a_fault_of_its_row():
    model = with_heads("absorbing")
    queries = queries_beginning_with([0, 1, 2])
    complete = Sampler(model).sample(queries)

    def evaluate(state, real=model.evaluate):
        evaluation = real(state)
        wrong = (state.query == 1)[:, None] & (torch.arange(L) == 1)
        return replace(evaluation, summaries={"quality": evaluation.summaries["quality"].masked_fill(wrong, torch.nan)})

    model.evaluate = evaluate
    result = Sampler(model).sample(queries)
    assert list(result.faults) == [1]
    assert_rows_equal(
        result, [0, 2], replace(complete, **{field: getattr(complete, field)[[0, 2]] for field in FIELDS})
    )


def test_an_empty_sequence_is_settled_without_a_forward(one_by_one):
    queries = queries_beginning_with([0, NAN, RAISES])
    queries.editable[1:] = False
    result = one_by_one.sample(queries)
    assert result.halt_reason[1:].tolist() == [HaltReason.ALL_COMMITTED] * 2
    assert result.nfe[1:].tolist() == [0, 0]
    assert not result.faults
    for none in (random_queries(0, L, K), Queries.of(torch.zeros(3, 0), torch.zeros(3, 0))):
        assert one_by_one.sample(none).answers.shape == none.tokens.shape


def test_no_block_follows_a_fault():
    sampler = Sampler(fragile(), block_length=2)
    result = sampler.sample(queries_beginning_with([0, NAN]))
    assert (result.answers[1] == OPEN).sum() == queries_beginning_with([0, NAN]).editable[1].sum()
    assert result.nfe[1] == 1


def test_a_faulty_row_stands_in_the_trace_as_it_was_left(one_by_one, tmp_path):
    queries = queries_beginning_with([0, NAN, 2, RAISES])
    with TraceWriter(tmp_path) as writer:
        recorder = TraceRecorder(writer)
        result = one_by_one.sample(queries, observers=[recorder])
        recorder.finish(queries, result)
    trace = read_trace(tmp_path)
    assert trace.rows["halt_reason"].to_pylist()[1::2] == ["fault", "fault"]
    replay = Replay.of(trace)
    assert (replay.end == replay.answer).all()
    assert (replay.answer == result.answers.numpy()).all()


def test_without_faults_a_step_is_what_it_was():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = Sampler(transformer()).sample(random_queries(3, 9, 5))
    assert result.faults == {}
