"""The trace of a sampler: replayed, it gives the answer."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from small_worlds import decision, oracle, random_queries, table, transformer

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.core.measures import AnswerMeasure, Difficulty
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rule import Halting, Plan
from adaptive_diffusion.core.state import Finish, HaltDecision
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.core.trace_header import TraceHeader
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.evaluation.replay import Replay
from adaptive_diffusion.models.oracle import OracleDenoiser
from adaptive_diffusion.rules.halting import MaxSteps
from adaptive_diffusion.rules.order import Random
from adaptive_diffusion.rules.pace import Ancestral, FixedCount, RandomThreshold, Threshold
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import LowProbability
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.tracing import TraceRecorder

HEADER = TraceHeader(difficulties=(Difficulty("length", "length"),), columns=(AnswerMeasure("overlap", "overlap"),))


class EditEverything(Plan):
    """Writes a drawn token at every eligible position, committed or not."""

    def logit_statistics(self):
        return Draw().logit_statistics()

    def __call__(self, state, prediction, candidate):
        return decision(state, write=state.eligible, token=candidate.token, probability=candidate.probability)


@dataclass(frozen=True)
class ArgmaxAfter(Halting):
    """Ends after some steps with the argmax everywhere."""

    steps: int
    finish = Finish.ARGMAX
    reads_committed = True

    def __call__(self, state, prediction, decision):
        return HaltDecision(state.step + 1 >= self.steps, state.noise.once_a_step("test").float())


def transformer_without_reason():
    model = transformer(vocabulary=5, length=9)
    torch.nn.init.normal_(model.head.weight, std=0.4, generator=torch.Generator().manual_seed(1))
    return model


def uniform_oracle():
    return OracleDenoiser.of_table(table(3, 4), Uniform(3))


SAMPLERS = {
    "one by one": (transformer_without_reason, {}),
    "ancestral": (lambda: oracle(3, 4), {"proposal": Draw(), "order": Random(), "pace": Ancestral(5)}),
    "doubting": (
        transformer_without_reason,
        {"proposal": Draw(), "pace": RandomThreshold(0.2, 0.6), "remasking": LowProbability(0.3)},
    ),
    "cut off": (transformer_without_reason, {"proposal": Draw(), "pace": FixedCount(2), "halting": MaxSteps(2)}),
    "editing": (transformer_without_reason, {"proposal": Draw(), "plan": EditEverything()}),
    "argmax at the end": (
        transformer_without_reason,
        {"proposal": Draw(), "pace": Threshold(0.3), "remasking": LowProbability(0.2), "halting": ArgmaxAfter(4)},
    ),
    "uniform noise": (uniform_oracle, {"proposal": Draw(), "pace": Threshold(0.4), "remasking": LowProbability(0.6)}),
    "uniform noise, cut off": (uniform_oracle, {"halting": MaxSteps(2)}),
}


@pytest.fixture(scope="module", params=SAMPLERS)
def traced(request, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("trace")
    build, rules = SAMPLERS[request.param]
    denoiser = build()
    vocabulary, length = denoiser.vocabulary, 9 if denoiser.vocabulary == 5 else 4
    queries = random_queries(20, length, vocabulary, first_id=50)
    target = torch.randint(vocabulary, (20, length)).repeat_interleave(2, 0)
    with TraceWriter(tmp_path, HEADER) as writer:
        recorder = TraceRecorder(writer, lambda tokens, ids: (tokens == target[2 * (ids - 50)]).all(1).float())
        result = Sampler(denoiser, **rules).sample(queries, n=2, slots=7, max_steps=10, observers=[recorder])
        exact = (result.answers == target).all(1).float()
        difficulty = {"length": torch.arange(40)}
        recorder.finish(queries, result, {"correct": exact, "exact": exact, "overlap": exact / 2}, difficulty, target)
    return request.param, queries, result, read_trace(tmp_path)


@pytest.mark.filterwarnings("ignore:.*revised nothing")
class TestEveryTrace:
    def test_replayed_gives_the_answer(self, traced):
        _, queries, result, trace = traced
        replay = Replay.of(trace)
        assert np.array_equal(replay.end, result.answers.numpy())
        assert np.array_equal(replay.answer, result.answers.numpy())
        given = (~queries.editable).repeat_interleave(2, 0).numpy()
        assert np.array_equal(replay.start != OPEN, given)

    def test_every_event_agrees_with_the_states_around_it(self, traced):
        name, _, _, trace = traced
        replay = Replay.of(trace)
        event = np.array(trace.events["event"].to_pylist())
        assert (event == "commit").any()
        assert (event == "remask").any() == (name in ("doubting", "argmax at the end", "uniform noise"))
        assert (event == "replace").any() >= (name in ("editing", "argmax at the end"))
        assert (replay.before[replay.event == 0] == OPEN).all()
        assert (replay.before[replay.event == 1] != OPEN).all()
        assert (replay.before[replay.event == 2] != OPEN).all()
        assert (replay.before[replay.event == 2] != replay.after[replay.event == 2]).all()
        assert ((replay.confidence >= 0) & (replay.confidence <= 1 + 1e-6)).all()

    def test_steps_count_from_one_to_the_steps_of_the_row(self, traced):
        _, _, result, trace = traced
        replay = Replay.of(trace)
        assert trace.steps.num_rows == int(result.steps.sum())
        assert np.array_equal(replay.steps, result.steps.numpy())
        assert replay.step.min() == 1

    def test_open_positions_follow_from_the_events(self, traced):
        _, _, _, trace = traced
        opened = {}
        for row in trace.rows.to_pylist():
            opened[row["query"], row["variation"]] = row["start"].count(OPEN)
        events = sorted(trace.events.to_pylist(), key=lambda event: event["step"])
        for step in sorted(trace.steps.to_pylist(), key=lambda step: step["step"]):
            key = step["query"], step["variation"]
            change = {"commit": -1, "remask": 1, "replace": 0}
            here = [e["event"] for e in events if (e["query"], e["variation"], e["step"]) == (*key, step["step"])]
            opened[key] += sum(change[event] for event in here)
            assert step["open"] == opened[key]
        assert set(opened.values()) == {0}

    def test_rows_say_what_was_paid_and_why_it_ended(self, traced):
        _, queries, result, trace = traced
        rows = trace.rows.to_pydict()
        assert rows["query"] == result.query.tolist()
        assert rows["variation"] == [0, 1] * 20
        assert rows["nfe"] == result.nfe.tolist()
        assert rows["token_forwards"] == (result.nfe * queries.tokens.shape[1]).tolist()
        assert rows["halt_reason"] == [result.reason(row) for row in range(40)]
        assert rows["halt_sentence"] == [result.why(row) for row in range(40)]
        assert rows["difficulty.length"] == list(range(40))
        assert rows["column.overlap"] == [exact / 2 for exact in rows["exact"]]
        assert rows["correct"] == rows["exact"]
        assert set(rows["score"]) == {None}
        assert rows["exact"] == [
            answer == target for answer, target in zip(rows["answer"], rows["target"], strict=True)
        ]

    def test_revisions_are_the_revokes_and_edits(self, traced):
        _, _, result, trace = traced
        replay = Replay.of(trace)
        assert np.array_equal(np.bincount(replay.row[replay.event > 0], minlength=40), result.revisions.numpy())


def record(tmp_path, queries, **rules):
    with TraceWriter(tmp_path) as writer:
        recorder = TraceRecorder(writer)
        result = Sampler(**rules).sample(queries, observers=[recorder])
        recorder.finish(queries, result)
    return read_trace(tmp_path)


def test_a_commit_has_the_probability_of_the_token_written_not_of_the_likeliest(tmp_path):
    prior = torch.tensor([0.9, 0.1])
    coin = OracleDenoiser(torch.tensor([[0], [1]]), prior, Absorbing(2))
    queries = Queries.of(torch.full((200, 1), 2), torch.ones(200, 1))
    events = record(tmp_path, queries, denoiser=coin, proposal=Draw()).events.to_pydict()
    assert set(events["token"]) == {0, 1}
    assert events["confidence"] == pytest.approx([float(prior[token]) for token in events["token"]])


def test_what_a_halting_rule_fills_in_is_committed_in_the_last_step(tmp_path):
    queries = Queries.of(torch.full((1, 4), 3), torch.ones(1, 4))
    trace = record(tmp_path, queries, denoiser=oracle(3, 4), halting=MaxSteps(2))
    assert sorted(trace.events["step"].to_pylist()) == [1, 2, 2, 2]
    assert set(trace.events["event"].to_pylist()) == {"commit"}
    assert trace.steps["open"].to_pylist() == [3, 0]
    assert trace.steps["halt_probability"].to_pylist() == [None, None]


def test_probability_of_a_halting_rule_is_recorded_for_every_step(tmp_path):
    queries = Queries.of(torch.full((3, 4), 3), torch.ones(3, 4))
    trace = record(tmp_path, queries, denoiser=oracle(3, 4), halting=ArgmaxAfter(3))
    assert trace.steps.num_rows == 9
    assert None not in trace.steps["halt_probability"].to_pylist()
    assert len(set(trace.steps["halt_probability"].to_pylist())) == 9


def test_queries_with_nothing_open_are_rows_without_steps(tmp_path):
    trace = record(tmp_path, Queries.of(torch.tensor([[1, 2, 0, 0]]), torch.zeros(1, 4)), denoiser=oracle(3, 4))
    assert (trace.events.num_rows, trace.steps.num_rows, trace.rows.num_rows) == (0, 0, 1)
    assert trace.rows["answer"].to_pylist() == trace.rows["start"].to_pylist() == [[1, 2, 0, 0]]
