"""A window that slides: exact where it holds everything, of one size however long the sequence."""

import gc

import pytest
import torch
from small_worlds import random_queries, transformer

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.positions import LearnedPositions
from adaptive_diffusion.models.sliding import Sliding
from adaptive_diffusion.rules.halting import AnswerProbability, Prophet, Sched
from adaptive_diffusion.rules.klass import KLStability
from adaptive_diffusion.rules.pace import Threshold
from adaptive_diffusion.sampling.sampler import Sampler

K, W = 5, 9


def test_a_sequence_inside_the_window_is_sampled_as_without_it():
    queries, model = random_queries(12, W, K), transformer(K, W)
    plain = Sampler(model, pace=Threshold(0.24)).sample(queries)
    for block_length in (None, W):
        slid = Sampler(Sliding(model, W), pace=Threshold(0.24), block_length=block_length).sample(queries)
        assert torch.equal(slid.answers, plain.answers)
        assert torch.equal(slid.nfe, plain.nfe)


class Widths(torch.nn.Module):
    """A denoiser that notes how many numbers each forward holds."""

    def __init__(self, denoiser):
        super().__init__()
        self.denoiser, self.seen = denoiser, []
        self.corruption, self.vocabulary, self.logits = denoiser.corruption, denoiser.vocabulary, denoiser.logits
        self.width, self.memory, self.time_invariant = denoiser.width, None, False
        self.computes_all_blocks = True

    def evaluate(self, state):
        self.seen.append((tuple(state.tokens.shape), state.tokens.clone(), state.eligible.clone()))
        return self.denoiser.evaluate(state)


def test_a_forward_is_as_large_in_the_last_block_as_in_the_first():
    watched = Widths(transformer(K, W))
    queries = Queries.of(torch.zeros(2, 60), torch.ones(2, 60))
    result = Sampler(Sliding(watched, W), pace=Threshold(0.24), block_length=3).sample(queries)
    assert {shape for shape, _, _ in watched.seen} == {(2, W)}
    assert (result.answers < K).all()
    assert len(result.answers.unique()) > 1
    # Past the first windows the block stands at the end, behind what was written before it.
    _, tokens, eligible = watched.seen[-1]
    assert eligible[:, -3:].any(1).all()
    assert not eligible[:, :-3].any()
    assert torch.equal(tokens[:, :-3], result.answers[:, 60 - W : 57])


def test_a_finished_block_leaves_nothing_behind():
    alive = {}

    def weigh(step):
        # Sparse tensors of other tests have no storage to count.
        tensors = [thing for thing in gc.get_objects() if type(thing) is torch.Tensor and thing.layout == torch.strided]
        alive.setdefault(int(step.before.block[0]), sum(tensor.untyped_storage().nbytes() for tensor in tensors))

    queries = Queries.of(torch.zeros(1, 60), torch.ones(1, 60))
    gc.collect()  # what earlier tests left behind is no part of the count
    Sampler(Sliding(transformer(K, W), W), pace=Threshold(0.24), block_length=3).sample(queries, observers=[weigh])
    assert len(alive) == 20
    assert max(alive.values()) == alive[1]


def test_tokens_outside_the_window_do_not_change_the_answer():
    denoiser = transformer(K, W)
    for parameter in denoiser.parameters():  # larger, so that what is seen matters
        parameter.data.mul_(3)
    model = Sliding(denoiser, W)
    editable = torch.arange(30)[None] >= 24
    tokens = torch.randint(K, (1, 30), generator=torch.Generator().manual_seed(0))
    other = tokens.clone()
    other[:, : 30 - W] = (other[:, : 30 - W] + 1) % K
    answers = [Sampler(model, block_length=6).sample(Queries.of(each, editable)).answers for each in (tokens, other)]
    assert torch.equal(answers[0][:, 24:], answers[1][:, 24:])
    near = tokens.clone()
    near[:, 30 - W : 24] = (near[:, 30 - W : 24] + 1) % K
    assert not torch.equal(Sampler(model).sample(Queries.of(near, editable)).answers[:, 24:], answers[0][:, 24:])


@pytest.mark.parametrize(
    ("rules", "name"),
    [
        ({"halting": AnswerProbability(0.7)}, "AnswerProbability"),
        ({"halting": Prophet(60)}, "Prophet"),
        ({"halting": Sched(60)}, "Sched"),
        ({"order": KLStability()}, "KLStability"),
        ({"order": KLStability(), "halting": Sched(60)}, "KLStability and Sched"),
    ],
)
def test_rules_that_read_all_blocks_are_refused_with_blocks(rules, name):
    model = Sliding(transformer(K, W), W)
    with pytest.raises(ValueError, match=f"{name} would read the prediction in all blocks.*in the place of 3"):
        Sampler(model, block_length=3, **rules)
    queries = random_queries(3, W, K)
    slid, plain = (Sampler(each, **rules).sample(queries) for each in (model, model.denoiser))
    assert torch.equal(slid.answers, plain.answers)
    assert (Sampler(model.denoiser, block_length=3, **rules).sample(queries).answers < K).all()


def test_token_forwards_are_the_windows_positions():
    queries = Queries.of(torch.zeros(2, 60), torch.ones(2, 60))
    result = Sampler(Sliding(transformer(K, W), W), pace=Threshold(0.24), block_length=3).sample(queries)
    assert torch.equal(result.token_forwards, result.nfe * W)


def test_block_that_is_wider_than_the_window_is_refused():
    model, queries = Sliding(transformer(K, W), W), Queries.of(torch.zeros(1, 60), torch.ones(1, 60))
    for block_length in (None, W + 1):
        wide = block_length or 60
        with pytest.raises(ValueError, match=f"a block of {wide} positions is wider than the window of {W}"):
            Sampler(model, pace=Threshold(0.24), block_length=block_length).sample(queries)
    assert (Sampler(model, pace=Threshold(0.24), block_length=W).sample(queries).answers < K).all()


@pytest.mark.parametrize("window", [0, -1])
def test_window_of_no_position_is_refused(window):
    with pytest.raises(ValueError, match=f"window={window} holds no position"):
        Sliding(transformer(K, W), window)


def test_a_denoiser_with_a_memory_is_refused():
    with pytest.raises(ValueError, match="self-conditioning"):
        Sliding(transformer(K, W, self_conditioning=True, positions=LearnedPositions([[i] for i in range(W)])), W)
