"""Block diffusion beside what is given: what a block sees, in training and in sampling."""

import pytest
import torch
from small_worlds import random_queries

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.models.given_first_blocks import GivenFirstBlocks
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.positions import RelationalPositions, RotaryPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.rules.order import Random
from adaptive_diffusion.rules.pace import FixedSteps
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.training.clean_beside import CleanBeside
from adaptive_diffusion.training.forward_process import ForwardProcess
from adaptive_diffusion.training.training_states import evaluated_state

K, LENGTH, BLOCK = 5, 10, 4
SIZE = {"width": 32, "depth": 2, "heads": 2}


def model(block_length=BLOCK):
    torch.manual_seed(0)
    made = GivenFirstBlocks(K, RotaryPositions.line(16), **SIZE, block_length=block_length).eval()
    for parameter in made.parameters():  # larger, so that what is seen matters
        parameter.data.mul_(2)
    return made


def some_queries(rows=6, given=0.4):
    return random_queries(rows, LENGTH, K, seed=1, given=given)


def arguments(queries, tokens):
    status = torch.where(queries.editable, 2, 0)
    return tokens, status, torch.ones(len(tokens)).double(), queries.editable


def block_of(queries):
    """-1 where a position is given."""
    rows = []
    for row in queries.editable.tolist():
        first = row.index(True)
        rows.append([(place - first) // BLOCK if opened else -1 for place, opened in enumerate(row)])
    return torch.tensor(rows)


@torch.no_grad()
def test_a_position_sees_what_is_given_its_block_and_the_blocks_before():
    denoiser, queries = model(), some_queries()
    block = block_of(queries)
    before = denoiser.hidden(*arguments(queries, queries.tokens))
    for place in range(LENGTH):
        changed = queries.tokens.clone()
        changed[:, place] = (changed[:, place] + 1) % K
        moved = (denoiser.hidden(*arguments(queries, changed)) - before).abs().amax(-1) > 1e-6
        assert torch.equal(moved, block >= block[:, place : place + 1])


@torch.no_grad()
def test_training_predicts_each_block_as_sampling_does():
    """In training all blocks of a noised sequence see clean ones; a sampler has written the clean ones before."""
    denoiser, queries = model(), some_queries()
    generator = torch.Generator().manual_seed(2)
    noised = torch.randint(K + 1, queries.tokens.shape, generator=generator)
    clean = torch.randint(K, queries.tokens.shape, generator=generator)
    noised, clean = (each.where(queries.editable, queries.tokens) for each in (noised, clean))
    tokens, status, level, editable = arguments(queries, noised)
    trained, block = denoiser.hidden_beside_clean(tokens, status, level, editable, clean), block_of(queries)
    for present in range(-1, 3):
        written = block < present
        tokens_then, status_then = clean.where(written, tokens), status.clamp(max=1).where(written, status)
        seen = denoiser.hidden(tokens_then, status_then, level, editable)
        here = block == present
        torch.testing.assert_close(trained[here], seen[here], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_one_block_with_nothing_given_is_a_masked_denoiser():
    queries = some_queries(given=0.0)
    tokens, status, level, editable = arguments(queries, queries.tokens)
    whole, plain = model(block_length=LENGTH), TransformerDenoiser(K, RotaryPositions.line(16), **SIZE).eval()
    plain.load_state_dict(whole.state_dict())
    torch.testing.assert_close(whole.hidden(tokens, status, level, editable), plain.hidden(tokens, status, level))


def test_training_states_keep_the_clean_sequence_alone():
    denoiser, queries = DenoiserWithHeads(model()), some_queries()
    batch = Batch(queries, torch.zeros_like(queries.tokens).where(queries.editable, queries.tokens))
    state, _ = CleanBeside(ForwardProcess(rows=6)).begin(denoiser, batch, seed=0)
    kept = evaluated_state(denoiser, state)
    assert list(kept.carry) == ["clean sequence"]
    assert torch.equal(kept.carry["clean sequence"], batch.clean)
    hidden = denoiser.denoiser.evaluate(kept).hidden
    inputs = kept.tokens, kept.status, kept.noise_level, kept.editable
    torch.testing.assert_close(hidden, denoiser.denoiser.hidden_beside_clean(*inputs, batch.clean))


def test_an_answer_is_written_block_after_block_whatever_its_batch():
    sampler = Sampler(model(), proposal=Draw(), order=Random(), pace=FixedSteps(2), block_length=BLOCK)
    queries = some_queries()
    together = sampler.sample(queries, seed=3)
    assert (together.answers < K).all()
    assert torch.equal(together.answers[~queries.editable], queries.tokens[~queries.editable])
    for row in range(len(queries)):
        alone = sampler.sample(queries.take(torch.tensor([row])), seed=3)
        assert torch.equal(alone.answers[0], together.answers[row])
        assert alone.nfe[0] == together.nfe[row]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="set block_length=4"):
        Sampler(model(), block_length=6).sample(some_queries(given=0.0))
    with pytest.raises(ValueError, match="set block_length=4"):
        Sampler(model()).sample(some_queries(given=0.0))
    with pytest.raises(ValueError, match="holds no position"):
        model(block_length=0)
    with pytest.raises(ValueError, match="use RotaryPositions"):
        GivenFirstBlocks(K, RelationalPositions([[place] for place in range(LENGTH)]), **SIZE)
