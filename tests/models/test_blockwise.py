"""Block-causal denoising: cached it is what it is at once, and its memory does not grow."""

import pytest
import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.blockwise import BlockCausalTransformer, CleanBlocks
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.positions import RotaryPositions
from adaptive_diffusion.rules.halting import AnswerProbability
from adaptive_diffusion.rules.order import Random
from adaptive_diffusion.rules.pace import Ancestral, FixedSteps, Threshold
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.sampler import Sampler

K, BLOCK, LENGTH = 5, 4, 24


def model(context=LENGTH, length=LENGTH):
    torch.manual_seed(0)
    size = {"width": 32, "depth": 2, "heads": 2, "block_length": BLOCK, "context": context}
    made = BlockCausalTransformer(K, RotaryPositions.line(length), **size).eval()
    for parameter in made.parameters():  # larger, so that what is seen matters
        parameter.data.mul_(2)
    return made


def queries_with_prefix(*given, length=LENGTH):
    tokens = torch.randint(K, (len(given), length), generator=torch.Generator().manual_seed(1))
    return Queries.of(tokens, torch.arange(length) >= torch.tensor(given)[:, None])


@torch.no_grad()
def test_a_block_sees_itself_and_what_is_before_it():
    denoiser, level = model(), torch.ones(1).double()
    tokens, status = torch.randint(K, (1, LENGTH)), torch.zeros(1, LENGTH, dtype=torch.int64)
    before = denoiser.hidden(tokens, status, level)
    for place in (0, 5, 23):
        other = tokens.clone()
        other[0, place] = (other[0, place] + 1) % K
        moved = (denoiser.hidden(other, status, level) - before).abs().amax(-1)[0] > 1e-6
        begin = place // BLOCK * BLOCK
        assert not moved[:begin].any()
        assert moved[begin:].all()


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_the_cache_has_the_number_format_of_the_weights(dtype):
    denoiser, seen = model().to(dtype), []

    def compare(step):
        state = step.before
        complete = denoiser.hidden(state.tokens, state.status, state.noise_level)
        there = state.eligible & state.running[:, None]
        hidden = step.prediction.evaluation.hidden[there]
        torch.testing.assert_close(hidden, complete[there], atol=0.1, rtol=0.1)
        seen.append(state.carry[CleanBlocks.name].dtype)

    sampler = Sampler(denoiser, pace=FixedSteps(2), block_length=BLOCK)
    sampler.sample(queries_with_prefix(0, 8), observers=[compare], slots=2)
    assert set(seen) == {dtype}


@pytest.mark.parametrize("context", [LENGTH, 8])
def test_with_a_cache_it_is_what_it_is_at_once(context):
    denoiser, seen = model(context), []

    def compare(step):
        state = step.before
        complete = denoiser.hidden(state.tokens, state.status, state.noise_level)
        there = state.eligible & state.running[:, None]
        torch.testing.assert_close(step.prediction.evaluation.hidden[there], complete[there], atol=1e-4, rtol=1e-4)
        seen.append(int(there.sum()))

    sampler = Sampler(denoiser, proposal=Draw(), pace=FixedSteps(2), block_length=BLOCK)
    result = sampler.sample(queries_with_prefix(0, 4, 8, 20), seed=3, observers=[compare], slots=2)
    assert sum(seen) > 100
    assert (result.answers < K).all()
    # Two steps a block, and a forward for each block that was read when it was clean.
    assert result.nfe.tolist() == [2 * 6 + 5, 2 * 5 + 5, 2 * 4 + 5, 2 + 5]
    assert torch.equal(result.token_forwards, result.nfe * BLOCK)


def test_one_block_is_sampled_as_a_sequence_without_blocks():
    denoiser, parts = model(), {"proposal": Draw(), "order": Random(), "pace": Ancestral(3)}
    queries = queries_with_prefix(0, 0, length=BLOCK)
    blocks = Sampler(denoiser, **parts, block_length=BLOCK).sample(queries)
    complete = Sampler(denoiser, **parts).sample(queries)
    assert torch.equal(blocks.answers, complete.answers)
    assert torch.equal(blocks.nfe, complete.nfe)


def test_the_cache_does_not_grow_during_sampling():
    sizes = []
    sampler = Sampler(model(8, 64), pace=Threshold(0.3), block_length=BLOCK)
    watch = lambda step: sizes.append(step.after.carry[CleanBlocks.name].shape)  # noqa: E731 (a watcher in a line)
    result = sampler.sample(queries_with_prefix(0, length=64), observers=[watch])
    assert set(sizes) == {(1, 2, 2, 2, 8, 16)}
    assert (result.answers < K).all()


def test_a_sequence_that_ends_inside_a_block_is_written_to_its_end():
    result = Sampler(model(), block_length=BLOCK).sample(queries_with_prefix(0, length=10))
    assert (result.answers < K).all()
    assert result.nfe.tolist() == [10 + 2]


def test_blocks_that_are_not_the_models_are_refused():
    with pytest.raises(ValueError, match="set block_length=4"):
        Sampler(model(), block_length=6).sample(queries_with_prefix(0))
    with pytest.raises(ValueError, match="multiple of it in front"):
        Sampler(model(), block_length=BLOCK).sample(queries_with_prefix(2))
    with pytest.raises(ValueError, match="no multiple"):
        model(context=7)


def test_rule_that_reads_all_blocks_is_refused():
    """With a bias of the output alone it would stop in the first block."""
    denoiser = model()
    denoiser.head.bias.data.copy_(torch.tensor([9.0, 0, 0, 0, 0]))
    with pytest.raises(ValueError, match="AnswerProbability would read the prediction in all blocks"):
        Sampler(denoiser, block_length=BLOCK, halting=AnswerProbability(0.7)).sample(queries_with_prefix(0))
    with pytest.raises(ValueError, match="AnswerProbability would read the prediction in all blocks"):
        Sampler(DenoiserWithHeads(denoiser), block_length=BLOCK, halting=AnswerProbability(0.7))
    one = Sampler(denoiser, halting=AnswerProbability(0.7)).sample(queries_with_prefix(0, length=BLOCK))
    assert (one.answers < K).all()
