"""Halting: stops at, just below and just above every threshold, row by row."""

from dataclasses import replace

import pytest
import torch
from small_worlds import decision, oracle, prediction, random_queries, sampler_state

from adaptive_diffusion.core.corruption import Absorbing
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.core.trace_header import TraceHeader
from adaptive_diffusion.rules.controls import HindsightOracle, RandomHalting
from adaptive_diffusion.rules.halting import (
    AllCommitted,
    AnswerProbability,
    MaxSteps,
    Prophet,
    Sched,
    StableAndConfident,
)
from adaptive_diffusion.rules.pace import Threshold
from adaptive_diffusion.rules.processor import Temperature, TopK, TopP
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling import Sampler

MASKS = [[9, 9], [9, 9]]


def stops(rule, state, **summaries):
    look = prediction(tuple(state.tokens.shape), **summaries)
    return rule(state, look, decision(state)).stop.tolist()


def history(rule, predictions, entropy=0.0):
    """When a rule stops on argmax sequences [step][position] of one row."""
    state, head_output = sampler_state([[9] * len(predictions[0])]), []
    state = replace(state, carry=rule.init_carry(state, 10))
    for tokens in predictions:
        argmax = torch.tensor([tokens])
        look = prediction((1, len(tokens)), argmax=argmax, entropy=torch.full(argmax.shape, entropy))
        head_output.append(bool(rule(state, look, decision(state)).stop))
        state = replace(state, carry={**state.carry, **rule.update_carry(state, look, decision(state))})
    return head_output


@pytest.mark.parametrize(
    ("stability", "expected"),
    [
        (0, [True] * 6),
        (1, [False, False, True, True, False, True]),
        (2, [False, False, False, True, False, False]),
        (3, [False] * 6),
    ],
)
def test_stability_counts_the_steps_without_change(stability, expected):
    assert history(StableAndConfident(stability), [[1, 2], [1, 3], [1, 3], [1, 3], [0, 3], [0, 3]]) == expected


@pytest.mark.parametrize(("entropies", "stop"), [([0.25, 0.75], False), ([0.25, 0.7499], True), ([0.0, 1.1], False)])
def test_the_mean_entropy_must_be_strictly_below_the_threshold(entropies, stop):
    rule, state = StableAndConfident(0, 0.5), sampler_state([[9, 9]])
    state = replace(state, carry=rule.init_carry(state, 10))
    assert stops(rule, state, argmax=torch.zeros(1, 2).long(), entropy=torch.tensor([entropies])) == [stop]


def test_given_positions_count_neither_for_stability_nor_for_confidence():
    rule, state = StableAndConfident(1, 0.5), sampler_state([[9, 3]], editable=[[1, 0]])
    state = replace(state, carry={"stable.predictions": torch.tensor([[[7, 0]]])})
    assert stops(rule, state, argmax=torch.tensor([[7, 1]]), entropy=torch.tensor([[0.1, 9.0]])) == [True]


@pytest.mark.parametrize(
    ("step", "threshold"), [(0, 7.5), (1, 7.5), (2, 5.0), (4, 5.0), (5, 5.0), (6, 2.5), (8, 2.5), (30, 2.5)]
)
def test_prophet_needs_a_smaller_gap_the_more_steps_are_done(step, threshold):
    """Of 9 steps the third forward is at progress .333, the sixth at .667 and so still below .67."""
    state = replace(sampler_state(MASKS), step=torch.full((2,), step))
    gaps = torch.tensor([[threshold - 1.0, threshold + 1.0], [threshold - 1.0, threshold + 0.99]])
    assert stops(Prophet(9), state, logit_gap=gaps) == [True, False]


def test_prophet_counts_the_steps_of_all_blocks_and_reads_all_positions():
    state = sampler_state([[1, 9, 9]], committed=[[1, 0, 0]], eligible=torch.tensor([[False, True, False]]))
    gaps = torch.tensor([[8.0, 0.0, 7.0]])
    early = replace(state, earlier_steps=torch.tensor([1]))
    late = replace(state, earlier_steps=torch.tensor([2]))
    assert stops(Prophet(9), early, logit_gap=gaps) == [False]  # the mean gap is 5
    assert stops(Prophet(9), late, logit_gap=gaps) == [True]


def sched(rule, state, gaps, argmax=((3, 3),), before=((3, 3),)):
    state = replace(state, carry={"sched.argmax": torch.tensor(before).expand(state.tokens.shape)})
    return stops(rule, state, logit_gap=gaps, argmax=torch.tensor(argmax).expand(state.tokens.shape))


def test_the_smooth_threshold_falls_from_high_to_low():
    rule = Sched(11, high=8.0, low=1.0, rate=2.0)
    threshold = rule.threshold(torch.arange(11))
    assert float(threshold[0]) == 8.0
    assert (threshold.diff() < 0).all()
    assert float(threshold[10]) == pytest.approx(1 + 7 * 0.1353352832)
    assert Sched(1, high=8.0, low=1.0).threshold(torch.tensor([0])).tolist() == [1.0]


@pytest.mark.parametrize("step", [0, 5, 10])
def test_the_smooth_threshold_stops_a_mean_gap_that_equals_it_and_not_one_just_below(step):
    rule = Sched(11, high=8.0, low=1.0, rate=2.0)
    threshold = float(rule.threshold(torch.tensor(step)))
    state = replace(sampler_state([[9, 9]] * 3), step=torch.full((3,), step))
    gaps = threshold + torch.tensor([[0, 0], [-1, 0.999], [-1, 1.001]], dtype=torch.float64)
    assert sched(rule, state, gaps) == [True, False, True]


def test_sched_counts_open_positions_only_and_waits_for_unchanged_predictions():
    rule, wide = Sched(3), torch.full((1, 2), 9.0)
    half = sampler_state([[1, 9]], committed=[[1, 0]])
    assert sched(rule, half, torch.tensor([[0.0, 9.0]])) == [True]
    assert sched(rule, half, wide, argmax=((5, 3),)) == [True]  # the committed position may change its prediction
    assert sched(rule, half, wide, argmax=((3, 5),)) == [False]
    assert sched(rule, half, wide, before=((-1, -1),)) == [False]
    open_both = sampler_state([[9, 9]])
    assert sched(Sched(3, change=0.5), open_both, wide, argmax=((3, 5),)) == [True]
    assert sched(Sched(3, change=0.4), open_both, wide, argmax=((3, 5),)) == [False]
    assert sched(Sched(3, change=1.0), open_both, wide, before=((-1, -1),)) == [True]


@pytest.mark.parametrize("halting", [Prophet(4), Sched(4)], ids=["prophet", "sched"])
@pytest.mark.parametrize("processor", [TopK(1), TopP(0.1), Temperature(0.01)], ids=lambda one: type(one).__name__)
def test_the_gap_is_that_of_the_logits_before_any_processor(halting, processor):
    queries = random_queries(16, 4, 3)
    plain = Sampler(oracle(), halting=halting).sample(queries)
    assert plain.nfe.max() > 1
    assert torch.equal(Sampler(oracle(), halting=halting, processors=(processor,)).sample(queries).nfe, plain.nfe)


def test_a_confident_prophet_ends_all_blocks_at_once():
    class Certain(torch.nn.Module):
        vocabulary = width = 3
        memory, time_invariant, computes_all_blocks, corruption = None, True, True, Absorbing(3)

        def evaluate(self, state):
            preferred = torch.arange(state.tokens.shape[1]) % 3
            return Evaluation(torch.nn.functional.one_hot(preferred, 3).float().expand(len(state.tokens), -1, -1) * 9)

        def logits(self, hidden):
            return hidden

    queries = Queries.of(torch.zeros(2, 6, dtype=torch.int64), torch.tensor([[1] * 6, [0] + [1] * 5]).bool())
    for halting in (Prophet(6), AnswerProbability(0.9)):
        result = Sampler(Certain(), halting=halting, block_length=2).sample(queries)
        assert result.nfe.tolist() == [1, 1]
        assert result.answers.tolist() == [[0, 1, 2, 0, 1, 2]] * 2
        assert [result.reason(row) for row in range(2)] == [halting.reason] * 2
        assert (result.log_probability > -0.01).all()


def test_the_probability_of_an_answer_by_argmax_is_that_of_its_own_tokens():
    steps = []
    halting = StableAndConfident(stability=0, threshold=100.0)
    sampler = Sampler(oracle(), proposal=Draw(), pace=Threshold(0.0), halting=halting)
    result = sampler.sample(Queries.of(torch.zeros(20, 4), torch.ones(20, 4)), observers=[steps.append])
    (only,) = steps
    assert torch.equal(result.answers, only.prediction["argmax"])
    assert (only.decision.token != result.answers).any()  # other tokens were drawn
    expected = only.prediction["confidence"].double().log().sum(1)
    torch.testing.assert_close(result.log_probability, expected)


def answer_probability(state, made=None, **summaries):
    look = prediction(tuple(state.tokens.shape), **{name: torch.tensor(value) for name, value in summaries.items()})
    return AnswerProbability(0.5)(state, look, made or decision(state))


def test_the_answers_probability_takes_each_token_as_the_answer_would_hold_it():
    """Given, staying committed, taken back, written now, replaced and still open positions of one row."""
    state = sampler_state([[7, 1, 2, 9, 4, 9]], committed=[[0, 1, 1, 0, 1, 0]], editable=[[0, 1, 1, 1, 1, 1]])
    write = torch.tensor([[False, False, False, True, True, False]])
    made = decision(state, write=write, remask=torch.tensor([[False, False, True, False, False, False]]))
    made = replace(made, probability=torch.tensor([[0.1, 0.1, 0.1, 0.7, 0.8, 0.1]]))
    current, confidence = [[0.1, 0.9, 0.2, 0.0, 0.1, 0.0]], [[0.1, 0.3, 0.6, 0.75, 0.85, 0.95]]
    halt = answer_probability(state, made, current_token_probability=current, confidence=confidence)
    assert float(halt.probability) == pytest.approx(0.9 * 0.6 * 0.7 * 0.8 * 0.95)
    assert halt.stop.tolist() == [False]


@pytest.mark.parametrize(("last", "stop"), [(1.0, True), (0.999, False)])
def test_the_answers_probability_stops_at_equality(last, stop):
    state = sampler_state([[9, 9]])
    nothing = [[0.0, 0.0]]
    halt = answer_probability(state, current_token_probability=nothing, confidence=[[0.5, last]])
    assert halt.stop.tolist() == [stop]


def test_an_impossible_token_never_stops_a_row():
    halt = answer_probability(
        sampler_state([[1, 9]], committed=[[1, 0]]), current_token_probability=[[0.0, 0.0]], confidence=[[1.0, 1.0]]
    )
    assert (halt.stop.tolist(), halt.probability.tolist()) == ([False], [0.0])


def test_limit_of_steps_stops_a_doubtful_row_at_its_last_step_and_not_before():
    state = replace(sampler_state([[9], [9]]), step=torch.tensor([1, 2]))
    look = prediction((2, 1), current_token_probability=torch.zeros(2, 1), confidence=torch.full((2, 1), 0.1))
    halt = AnswerProbability(0.5, most=3)(state, look, decision(state))
    assert halt.stop.tolist() == [False, True]
    with pytest.raises(ValueError, match="at least one step"):
        AnswerProbability(0.5, most=0)


def test_limit_of_steps_counts_those_of_all_blocks_because_it_ends_all_of_them():
    state = replace(sampler_state([[9], [9]]), step=torch.tensor([0, 2]), earlier_steps=torch.tensor([2, 0]))
    look = prediction((2, 1), current_token_probability=torch.zeros(2, 1), confidence=torch.full((2, 1), 0.1))
    assert AnswerProbability(0.5, most=3)(state, look, decision(state)).stop.tolist() == [True, True]
    assert AnswerProbability(0.5, most=4)(state, look, decision(state)).stop.tolist() == [False, False]


def test_answer_probability_names_its_limit_only_where_it_has_one():
    alone, limited = AnswerProbability(0.5), AnswerProbability(0.5, most=6)
    assert alone.sentence == "the answer is probable enough under the present prediction"
    assert limited.sentence == f"{alone.sentence}, or its 6 steps are spent"
    spent = TraceHeader(explanation=limited.explanation).explain({"probability": 0.1, "threshold": 0.5, "step": 6.0})
    assert spent == "probability of the answer 0.100; it stops at 0.500; step 6 of at most 6"
    assert replace(limited, most=None).explanation == alone.explanation == AnswerProbability.explanation


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.1])
def test_a_threshold_that_is_no_probability_is_refused(threshold):
    with pytest.raises(ValueError, match="is no probability above 0"):
        AnswerProbability(threshold)


def test_a_random_halt_takes_the_steps_of_its_histogram():
    rows = 8000
    state = sampler_state([[9]] * rows)
    rule = RandomHalting((0.5, 0.0, 0.25, 0.25))
    stopped = [stops(rule, replace(state, step=torch.full((rows,), step))) for step in range(4)]
    shares = torch.tensor(stopped).double().mean(1)
    assert (shares - torch.tensor([0.5, 0.5, 0.75, 1.0])).abs().max() < 5 * 0.5 / rows**0.5
    assert stopped[0] == stopped[1]


def test_the_hindsight_oracle_stops_at_the_first_right_answer_and_never_at_a_wrong_one():
    world, queries = oracle(), random_queries(40, 4, 3)
    plain = Sampler(world, proposal=Draw()).sample(queries)
    right = HindsightOracle(lambda ids, answers: (answers == plain.answers[ids]).all(1))
    early = Sampler(world, proposal=Draw(), halting=right).sample(queries)
    halted = early.halt_reason == HaltReason.RULE
    assert halted.any()
    assert torch.equal(early.answers[halted], plain.answers[halted])
    assert (early.nfe <= plain.nfe).all()


def test_all_committed_never_stops_and_max_steps_stops_at_its_step():
    state = replace(sampler_state(MASKS), step=torch.tensor([2, 3]))
    assert stops(AllCommitted(), state) == [False, False]
    assert stops(MaxSteps(4), state) == [False, True]


@pytest.mark.parametrize(
    "broken", [lambda: MaxSteps(0), lambda: StableAndConfident(-1), lambda: Prophet(0), lambda: RandomHalting((0.0,))]
)
def test_halting_that_means_nothing_is_refused(broken):
    with pytest.raises(ValueError, match=r"at least 1|negative|weights"):
        broken()
