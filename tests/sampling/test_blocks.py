"""Blocks: the answer from left to right, each block a sequence of its own with a time of its own."""

import pytest
import torch
from scipy import stats
from small_worlds import oracle, random_queries, table, transformer

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.state import HaltDecision, HaltReason
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.halting import MaxSteps, StableAndConfident
from adaptive_diffusion.rules.klass import KLStability
from adaptive_diffusion.rules.order import Confidence, Random
from adaptive_diffusion.rules.pace import Ancestral, FirstHitting, FixedCount, FixedSteps, Threshold
from adaptive_diffusion.rules.plans.acceptance import EntropyBoundAcceptance
from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.plans.gidd import SelfCorrection
from adaptive_diffusion.rules.plans.ranking import SelfPlanning
from adaptive_diffusion.rules.plans.uniform import UniformPosterior
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import LowProbability, NoRemasking
from adaptive_diffusion.rules.remdm import Cap
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.slots import frozen
from adaptive_diffusion.sampling.tracing import TraceRecorder

pytestmark = pytest.mark.filterwarnings("ignore:.*revised nothing")

LENGTH, K = 9, 5
MASKED = {
    "one by confidence": {},
    "ancestral with remasking": {"proposal": Draw(), "order": Random(), "pace": Ancestral(5), "remasking": Cap(0.2)},
    "first hitting": {"proposal": Draw(), "order": Random(), "pace": FirstHitting()},
    "doubted": {"pace": Threshold(0.24), "remasking": LowProbability(0.21)},
    "stable": {"order": KLStability(epsilon=1e-3, history=1, threshold=0.2), "pace": Threshold(1.0)},
    "ranked": {"proposal": Draw(), "plan": SelfPlanning(4)},
    "edited": {"plan": TokenEditing(Composed(Confidence(), FixedCount(2), NoRemasking()), 0.2, 3)},
    "corrected": {"plan": SelfCorrection(Composed(Confidence(), FixedCount(2), NoRemasking()), patience=2, cap=4)},
    "stopped": {"halting": MaxSteps(2)},
}
UNIFORM = {
    "posterior": {"plan": UniformPosterior(4)},
    "accepted": {"plan": EntropyBoundAcceptance(3.0, 6), "halting": StableAndConfident(1, 1.6)},
}
CASES = [*((Absorbing(K), parts) for parts in MASKED.values()), *((Uniform(K), parts) for parts in UNIFORM.values())]
CASES = [pytest.param(*case, id=name) for case, name in zip(CASES, [*MASKED, *UNIFORM], strict=True)]


def same(one, other, rows=slice(None)):
    for field in ("answers", "nfe", "halt_reason", "revisions"):
        assert torch.equal(getattr(one, field), getattr(other, field)[rows]), field


@pytest.mark.parametrize(("corruption", "parts"), CASES)
def test_one_block_equals_the_sampler_without_blocks(corruption, parts):
    denoiser, queries = transformer(corruption=corruption), random_queries(10, LENGTH, K)
    complete = Sampler(denoiser, **parts).sample(queries, seed=3)
    for block_length in (LENGTH, 100):
        same(Sampler(denoiser, **parts, block_length=block_length).sample(queries, seed=3), complete)


class Watch:
    """Nothing but the present block changes, no block begins before the one on its left is full, time begins anew."""

    def __init__(self, block_length):
        self.block_length, self.blocks = block_length, 0

    def __call__(self, done):
        before, after = done.before, done.after
        changed = (before.tokens != after.tokens) | (before.committed != after.committed)
        assert not (changed & ~before.eligible).any()
        spread = torch.arange(LENGTH).expand_as(before.tokens)
        last = spread.masked_fill(~before.eligible, -1).amax(1, keepdim=True)
        first = spread.masked_fill(~before.eligible, LENGTH).amin(1, keepdim=True)
        assert (last - first < self.block_length).all()
        assert before.committed[before.editable & (spread < first) & before.running[:, None]].all()
        assert not before.committed[before.editable & (spread > last)].any()
        turned = after.block != before.block
        assert (after.step[turned] == 0).all()
        assert torch.equal(after.steps_taken, before.steps_taken + before.running)
        self.blocks += int(turned.sum())


@pytest.mark.parametrize(("corruption", "parts"), CASES)
def test_blocks_follow_one_another(corruption, parts):
    watch, denoiser, queries = Watch(4), transformer(corruption=corruption), random_queries(10, LENGTH, K)
    result = Sampler(denoiser, **parts, block_length=4).sample(queries, observers=[watch])
    assert watch.blocks > 10
    assert torch.equal(result.answers[~queries.editable], queries.tokens[~queries.editable])
    assert (result.answers < K).all()


@pytest.mark.parametrize(("corruption", "parts"), CASES)
def test_with_blocks_too_a_query_does_not_notice_its_batch(corruption, parts):
    denoiser, queries = transformer(corruption=corruption), random_queries(10, LENGTH, K)
    sampler = Sampler(denoiser, **parts, block_length=3)
    together = sampler.sample(queries, max_steps=6)
    same(sampler.sample(queries.take(slice(7, 8)), max_steps=6), together, slice(7, 8))
    same(sampler.sample(queries, slots=6, max_steps=6), together)
    same(sampler.sample(queries, slots=6, loop=frozen, max_steps=6), together)


def test_blocks_are_counted_from_the_first_open_position_and_empty_ones_passed_over():
    editable = torch.tensor([[0, 0, 1, 1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0, 1, 1, 0]])
    queries = Queries.of(torch.zeros(2, LENGTH), editable)
    seen = []
    sampler = Sampler(transformer(), pace=FixedSteps(1), block_length=3)
    result = sampler.sample(queries, observers=[lambda done: seen.append(done.before)])
    eligible = [[row.nonzero()[:, 0].tolist() for row in state.eligible] for state in seen]
    assert eligible == [[[2, 3, 4], [0]], [[5, 6], [6, 7]]]
    assert [state.block.tolist() for state in seen] == [[0, 0], [1, 2]]
    assert result.nfe.tolist() == [2, 2]


def test_every_block_has_the_steps_of_the_clock_and_its_remainder_first():
    writes = []
    sampler = Sampler(transformer(), pace=FixedSteps(2), block_length=5)
    queries = Queries.of(torch.zeros(1, LENGTH), torch.ones(1, LENGTH))
    result = sampler.sample(queries, observers=[lambda done: writes.append(int(done.decision.write.sum()))])
    assert writes == [3, 2, 2, 2]
    assert result.nfe.tolist() == [4]


def test_time_begins_anew_in_every_block():
    levels = []
    sampler = Sampler(transformer(), order=Random(), pace=FirstHitting(), block_length=3)
    queries = Queries.of(torch.zeros(3000, 6), torch.ones(3000, 6))
    sampler.sample(queries, slots=3000, observers=[lambda done: levels.append(float(done.before.noise_level.mean()))])
    # Order statistics of three uniforms, twice over.
    assert levels == pytest.approx([0.75, 0.5, 0.25] * 2, abs=5 * 0.25 / 3000**0.5)


def test_first_hitting_in_blocks_samples_the_distribution():
    prior, count = table(3, 4), 20_000
    queries = Queries.of(torch.zeros(count, 4), torch.ones(count, 4))
    sampler = Sampler(oracle(3, 4), proposal=Draw(), order=Random(), pace=FirstHitting(), block_length=2)
    index = sampler.sample(queries, slots=count).answers @ torch.tensor([27, 9, 3, 1])
    counts = torch.bincount(index, minlength=81)
    assert stats.chisquare(counts.numpy(), (prior.flatten() * count).numpy()).pvalue > 1e-4


def test_the_step_limit_and_halting_end_a_block_and_the_last_block_gives_the_reason():
    queries = Queries.of(torch.zeros(2, LENGTH), torch.tensor([[1] * 9, [1] * 7 + [0] * 2]))
    limited = Sampler(transformer(), block_length=3).sample(queries, max_steps=2)
    assert limited.nfe.tolist() == [6, 5]
    assert limited.halt_reason.tolist() == [HaltReason.STEP_LIMIT, HaltReason.ALL_COMMITTED]
    assert (limited.answers < K).all()
    halted = Sampler(transformer(), block_length=3, halting=MaxSteps(1)).sample(queries)
    assert halted.nfe.tolist() == [3, 3]


def test_a_trace_counts_steps_through_all_blocks(tmp_path):
    queries, sampler = random_queries(6, LENGTH, K), Sampler(transformer(), halting=MaxSteps(2), block_length=3)
    with TraceWriter(tmp_path) as writer:
        recorder = TraceRecorder(writer)
        result = sampler.sample(queries, observers=[recorder])
        recorder.finish(queries, result)
    trace = read_trace(tmp_path)
    steps = trace.steps.group_by("query").aggregate([("step", "max"), ("step", "count"), ("open", "min")]).to_pylist()
    assert [row["step_max"] for row in steps] == [row["step_count"] for row in steps] == result.nfe.tolist()
    assert [row["open_min"] for row in steps] == [0] * 6
    written = torch.where(queries.editable, -1, queries.tokens)
    for event in trace.events.to_pylist():
        written[event["query"], event["position"]] = event["token"]
    assert torch.equal(written, result.answers)


@pytest.mark.parametrize("length", [0, -3])
def test_blocks_of_no_position_are_refused(length):
    with pytest.raises(ValueError, match=f"block_length={length} holds no position"):
        Sampler(transformer(), block_length=length)


class StopsEverything(Halting):
    """Ends the complete answer after its second step, and declares nothing else."""

    ends_answer = True

    def __call__(self, state, prediction, decision):
        return HaltDecision(state.step + 1 >= 2)


def test_rule_that_ends_the_answer_fills_the_later_blocks():
    queries = Queries.of(torch.zeros(3, 8, dtype=torch.int64), torch.ones(3, 8, dtype=torch.bool))
    result = Sampler(oracle(3, 8), pace=FixedCount(), halting=StopsEverything(), block_length=4).sample(queries)
    assert (result.answers < 3).all()
    assert (result.nfe == 2).all()
