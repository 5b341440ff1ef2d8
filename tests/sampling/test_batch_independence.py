"""A query's answer does not depend on its batch: tokens, NFE and halt reason, bit for bit."""

import pytest
import torch
from small_worlds import random_queries, table, transformer

from adaptive_diffusion.core.corruption import Absorbing
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.models.heads import DenoiserWithHeads, HaltingHead, QualityHead
from adaptive_diffusion.models.oracle import LeaveOneOutOracle
from adaptive_diffusion.rules.halting import MaxSteps
from adaptive_diffusion.rules.learned_halting import LearnedHalting
from adaptive_diffusion.rules.order import Margin, Random
from adaptive_diffusion.rules.pace import Ancestral, FixedSteps, RandomThreshold, Threshold
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import LowProbability, LowQuality
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.slots import frozen

FIELDS = ("answers", "nfe", "halt_reason", "revisions")
CALL = {"seed": 7, "max_steps": 15}


def eager_head(width):
    """A halting head that has learnt nothing but says yes to some states and no to others."""
    torch.manual_seed(3)
    head = HaltingHead(width)
    torch.nn.init.normal_(head.all[-1].weight, std=8.0)
    torch.nn.init.zeros_(head.all[-1].bias)
    return head.eval()


def doubtful_head(width):
    torch.manual_seed(4)
    head = QualityHead(width)
    torch.nn.init.normal_(head.out.weight, std=0.15)
    torch.nn.init.ones_(head.out.bias)
    return head.eval()


class FloatOracle(torch.nn.Module):
    """The leave-one-out oracle (it can doubt a token) with bounded float32 hidden states, so that heads fit on it."""

    def __init__(self):
        super().__init__()
        self.inner = LeaveOneOutOracle.of_table(table(3, 4), Absorbing(3))
        self.corruption, self.vocabulary = self.inner.corruption, self.inner.vocabulary
        self.width, self.memory, self.time_invariant = self.vocabulary, None, False
        self.computes_all_blocks = True

    def evaluate(self, state):
        evaluation = self.inner.evaluate(state)
        return type(evaluation)(evaluation.hidden.clamp(min=-30).float())

    def logits(self, hidden):
        return hidden


def opinionated_transformer():
    """Untrained, but with logits wide enough that some tokens are likely and others are not."""
    model = transformer(vocabulary=5, length=9)
    torch.nn.init.normal_(model.head.weight, std=0.4, generator=torch.Generator().manual_seed(1))
    return model


WORLDS = {
    "oracle": (FloatOracle, 3, 4, 3, 0.9999),
    "transformer": (opinionated_transformer, 5, 9, 32, 1e-3),
}
SAMPLERS = {
    "one by confidence": lambda model, width, stop: Sampler(model),
    "ancestral": lambda model, width, stop: Sampler(model, proposal=Draw(), order=Random(), pace=Ancestral(6)),
    "drawn by margin": lambda model, width, stop: Sampler(
        model, proposal=Draw(0.7), order=Margin(), pace=FixedSteps(3), halting=MaxSteps(2)
    ),
    "threshold, doubted, halted": lambda model, width, stop: Sampler(
        model,
        proposal=Draw(),
        pace=Threshold(0.35),
        remasking=LowProbability(0.25),
        halting=LearnedHalting(head=eager_head(width), threshold=stop),
    ),
    "quality": lambda model, width, stop: Sampler(
        DenoiserWithHeads(model, {"quality": doubtful_head(width)}),
        proposal=Draw(),
        order=Random(),
        pace=RandomThreshold(0.2, 0.6),
        remasking=LowQuality(0.4),
    ),
}


pytestmark = pytest.mark.filterwarnings("ignore:.*revised nothing")


@pytest.fixture(params=[(world, name) for world in WORLDS for name in SAMPLERS], ids=" / ".join)
def case(request):
    world, name = request.param
    build, vocabulary, length, width, stop = WORLDS[world]
    return SAMPLERS[name](build(), width, stop), random_queries(64, length, vocabulary, first_id=1000)


def assert_same(result, expected, rows):
    for field in FIELDS:
        assert torch.equal(getattr(result, field), getattr(expected, field)[rows]), field


def test_alone_among_seven_and_among_sixty_four(case):
    sampler, queries = case
    together = sampler.sample(queries, **CALL)
    for row in (0, 31, 63):
        assert_same(sampler.sample(queries.take(slice(row, row + 1)), **CALL), together, slice(row, row + 1))
    assert_same(sampler.sample(queries.take(slice(20, 27)), **CALL), together, slice(20, 27))


def test_shuffled(case):
    sampler, queries = case
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    assert_same(sampler.sample(queries.take(order), **CALL), sampler.sample(queries, **CALL), order)


def test_whether_halted_rows_leave_or_stay_and_however_many_slots(case):
    sampler, queries = case
    together = sampler.sample(queries, **CALL)
    everything = slice(None)
    for slots in (1, 5, 64):
        assert_same(sampler.sample(queries, **CALL, slots=slots), together, everything)
    assert_same(sampler.sample(queries, **CALL, loop=frozen), together, everything)
    assert_same(sampler.sample(queries, **CALL, loop=frozen, slots=9), together, everything)


def test_the_fourth_of_five_variations_is_that_variation_in_any_call(case):
    sampler, queries = case
    some = queries.take(slice(0, 12))
    five, four = sampler.sample(some, n=5, **CALL), sampler.sample(some, n=4, **CALL)
    assert five.variation.tolist() == list(range(5)) * 12
    chosen = five.variation == 3
    for field in FIELDS:
        assert torch.equal(getattr(five, field)[chosen], getattr(four, field)[four.variation == 3])
    alone = sampler.sample(some.take(slice(4, 5)), n=5, **CALL)
    assert_same(alone, five, five.query == some.ids[4])


@pytest.mark.parametrize("world", WORLDS)
def test_the_cases_above_are_worth_comparing(world):
    """Rows of one batch end at different steps and for different reasons, tokens are taken back, draws differ."""
    build, vocabulary, length, width, stop = WORLDS[world]
    queries = random_queries(64, length, vocabulary, first_id=1000)

    def run(name, **call):
        return SAMPLERS[name](build(), width, stop).sample(queries, **(CALL | call))

    halted = run("threshold, doubted, halted")
    assert len(halted.nfe.unique()) >= 3
    assert {HaltReason.RULE, HaltReason.ALL_COMMITTED} <= set(halted.halt_reason.tolist())
    assert halted.revisions.sum() > 0
    doubted = run("quality")
    assert len(doubted.nfe.unique()) >= 3
    assert doubted.revisions.sum() > 0
    drawn = run("ancestral", n=2)
    assert (drawn.answers[0::2] != drawn.answers[1::2]).any(1).float().mean() > 0.25
    assert (drawn.answers[0::2] != run("ancestral", seed=8).answers).any()
