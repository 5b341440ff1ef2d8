"""A tiny DiffusionGemma by our loop beside transformers' own generate and diffusers' pipeline, given the same draws."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.row_noise import RowNoise, row_key
from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.rules.halting import AnswerProbability, StableAndConfident
from adaptive_diffusion.rules.plans.acceptance import EntropyBoundAcceptance
from adaptive_diffusion.rules.processor import LinearTemperature
from adaptive_diffusion.rules.proposal import Draw, inverse_cdf
from adaptive_diffusion.sampling import Sampler

pytestmark = pytest.mark.pretrained
pytest.importorskip("transformers.models.diffusion_gemma", reason="needs the extra pretrained")

from tiny_pretrained import CANVAS, PAD, VOCABULARY, diffusion_gemma, preset, prompts  # noqa: E402

from adaptive_diffusion.models.pretrained import DiffusionGemma  # noqa: E402
from adaptive_diffusion.models.pretrained.ids import SpecialTokens  # noqa: E402

ROWS, PROMPT = 6, 7


class SameDraws:
    """Stands in for torch's generators, and deals the uniforms that our rows draw, for one batch of blocks."""

    def __init__(self, queries, seed=0):
        self.key = row_key(seed, queries.ids, torch.zeros_like(queries.ids))
        self.length, self.first = queries.tokens.shape[1], int(queries.editable[0].long().argmax())
        self.block, self.step = 0, -1

    def uniforms(self, purpose, block, step):
        each = torch.full_like(self.key, block), torch.full_like(self.key, step)
        start = self.first + self.block * CANVAS
        return RowNoise(self.key, *each).everywhere(purpose, self.length)[:, start : start + CANVAS]

    def begin(self):
        """A new sequence: what is drawn next is its noise."""
        self.block, self.step = self.block + (self.step >= 0), -1

    def randint(self, *bounds, size=None, **rest):
        purpose = ("start", 0, 0) if self.step < 0 else ("renoise", self.block, self.step)
        drawn = (self.uniforms(*purpose) * VOCABULARY).long()
        self.step += 1
        return drawn

    def multinomial(self, probabilities, num_samples, **rest):
        uniforms = self.uniforms("drawn", self.block, self.step).flatten()
        return inverse_cdf(probabilities.double(), uniforms)[:, None]


@pytest.fixture
def dealt(monkeypatch):
    def deal(queries):
        draws = SameDraws(queries)
        monkeypatch.setattr(torch, "randint", draws.randint)
        monkeypatch.setattr(torch, "multinomial", draws.multinomial)
        return draws

    return deal


def denoiser(model):
    return DiffusionGemma(model, SpecialTokens.of(model.config))


def generated(model, queries, draws, blocks=1, steps=48):
    """Tokens [B, n·C] and decoder forwards [B] of transformers' own loop."""
    first = draws.first
    begin = model._prepare_denoiser_inputs
    model._prepare_denoiser_inputs = lambda **inputs: (draws.begin(), begin(**inputs))[1]
    real = (queries.tokens[:, :first] != PAD).long()
    out = model.generate(
        queries.tokens[:, :first],
        attention_mask=real,
        max_new_tokens=blocks * CANVAS,
        max_denoising_steps=steps,
        eos_token_id=VOCABULARY,  # no token at all: early transformers stumble over none
        pad_token_id=VOCABULARY,  # likewise: written pads are tokens, and tokens_per_forward must count them
    )
    del model._prepare_denoiser_inputs
    new = out.sequences[:, first:]
    return new, (new.shape[1] / out.tokens_per_forward).round().long()


@pytest.mark.parametrize(("seed", "steps", "reason"), [(0, 48, HaltReason.RULE), (1, 6, HaltReason.STEP_LIMIT)])
def test_tokens_and_steps_are_those_of_transformers_generate(dealt, seed, steps, reason):
    model, queries = diffusion_gemma(seed=seed), prompts(ROWS, PROMPT, seed)
    ours = preset(denoiser(model), steps).sample(queries, seed=0)
    tokens, taken = generated(model, queries, dealt(queries), steps=steps)
    assert torch.equal(ours.answers[:, PROMPT:], tokens)
    assert torch.equal(ours.nfe, taken)
    assert (ours.halt_reason == reason).any()
    assert len(ours.nfe.unique()) > 2 or steps < 48


def test_padded_prompts_and_two_sequences_are_those_of_transformers_generate(dealt):
    model, queries = diffusion_gemma(), prompts(ROWS, PROMPT, blocks=2, padded=True)
    ours = preset(denoiser(model), block_length=CANVAS).sample(queries, seed=0)
    tokens, taken = generated(model, queries, dealt(queries), blocks=2)
    assert torch.equal(ours.answers[:, PROMPT:], tokens)
    assert torch.equal(ours.nfe, taken)
    assert torch.equal(ours.token_forwards, ours.nfe * CANVAS)


def test_tokens_and_steps_are_those_of_the_pipeline_of_diffusers(dealt):
    diffusers = pytest.importorskip("diffusers", reason="needs the extra peers")
    model, queries = diffusion_gemma(), prompts(ROWS, PROMPT)
    ours = preset(denoiser(model)).sample(queries, seed=0)
    scheduler = diffusers.EntropyBoundScheduler(0.1, t_max=0.8, t_min=0.4)
    pipeline = diffusers.DiffusionGemmaPipeline(model, scheduler, processor=None)
    pipeline.set_progress_bar_config(disable=True)
    stopped = ours.halt_reason == HaltReason.RULE  # at the step limit diffusers hands back noise, see its own loop
    assert stopped.sum() > 2
    for row in stopped.nonzero()[:, 0].tolist():
        one, counted = queries.take(slice(row, row + 1)), []
        ids = one.tokens[:, :PROMPT]
        template = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        pipeline.processor = SimpleNamespace(apply_chat_template=lambda *args, answer=template, **rest: answer)
        dealt(one)
        reference = pipeline(
            messages=[],
            gen_length=CANVAS,
            output_type="seq",
            callback_on_step_end=lambda pipe, step, t, tensors, seen=counted: seen.append(step) or {},
        )
        assert torch.equal(ours.answers[row, PROMPT:], reference.sequences[0])
        assert int(ours.nfe[row]) == len(counted)


def test_a_batch_is_its_queries_one_by_one_in_any_number_of_slots():
    model, queries = denoiser(diffusion_gemma()), prompts(4, PROMPT, blocks=2, padded=True)
    sampler = preset(model, 8, block_length=CANVAS)
    together = sampler.sample(queries, seed=0)
    few = sampler.sample(queries, seed=0, slots=3)
    assert torch.equal(together.answers, few.answers)
    assert torch.equal(together.nfe, few.nfe)
    for row in range(4):
        alone = sampler.sample(queries.take(slice(row, row + 1)), seed=0)
        assert torch.equal(together.answers[row], alone.answers[0])
        assert int(together.nfe[row]) == int(alone.nfe[0])


def test_a_padded_prompt_answers_as_one_without_padding():
    model, queries = denoiser(diffusion_gemma()), prompts(ROWS, PROMPT, padded=True)
    for row in range(ROWS):
        padding = int((queries.tokens[row, :PROMPT] == PAD).sum())
        one = queries.take(slice(row, row + 1))
        short = Queries(one.ids, one.tokens[:, padding:], one.editable[:, padding:])
        state = preset(model).begin(short, torch.zeros(1, dtype=torch.int64), 0)
        padded = preset(model).begin(one, torch.zeros(1, dtype=torch.int64), 0)
        same = padded.tokens[:, padding:]
        bare = model.evaluate(replace(state, tokens=same)).hidden[:, -CANVAS:]
        full = model.evaluate(padded).hidden[:, -CANVAS:]
        torch.testing.assert_close(bare, full, atol=1e-4, rtol=1e-4)
    assert (queries.tokens[:, 0] == PAD).any()


def test_the_expected_embedding_equals_that_of_all_logits():
    model, queries = diffusion_gemma(), prompts(4, PROMPT)
    sampler = preset(denoiser(model))
    state = sampler.begin(queries, torch.zeros_like(queries.ids), 0)
    logits = torch.randn(4, CANVAS, VOCABULARY, generator=torch.Generator().manual_seed(0))
    expected = torch.zeros(*state.tokens.shape, 32)
    expected[:, PROMPT:] = logits.softmax(-1) @ model.model.decoder.embed_tokens.weight
    carried = {**state.carry, "self_conditioning.expected": expected}
    ours = sampler.denoiser.evaluate(replace(state, carry=carried)).hidden[:, PROMPT:]
    with torch.no_grad():
        reference = model(
            input_ids=queries.tokens[:, :PROMPT],
            decoder_input_ids=state.tokens[:, PROMPT:],
            self_conditioning_logits=logits,
        ).logits
    torch.testing.assert_close(
        sampler.denoiser.logits(ours.flatten(0, 1)).view_as(reference), reference, atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize(("prompt", "extra"), [(0, 0), (4, 1), (4, CANVAS)])
def test_a_query_that_is_no_prompt_and_sequence_is_refused(prompt, extra):
    tokens = torch.full((1, prompt + CANVAS + extra), 5)
    queries = Queries.of(tokens, torch.arange(tokens.shape[1])[None] >= prompt)
    with pytest.raises(ValueError, match="block_length=12"):
        preset(denoiser(diffusion_gemma())).sample(queries)


def test_rule_that_reads_all_blocks_is_refused_with_blocks():
    model, halting = denoiser(diffusion_gemma()), AnswerProbability(0.7)
    with pytest.raises(ValueError, match="AnswerProbability would read the prediction in all blocks"):
        preset(model, block_length=CANVAS).with_rules(halting=halting)
    assert preset(model).with_rules(halting=halting).block_length is None


def test_the_rules_of_the_preset_are_those_of_its_config():
    from adaptive_diffusion.config import compose_part, instantiate

    named = instantiate(compose_part("sampler", "diffusion_gemma"))(denoiser(diffusion_gemma()))
    ours = preset(named.denoiser)
    assert named.plan == ours.plan == EntropyBoundAcceptance(0.1, 48)
    assert named.halting == ours.halting == StableAndConfident(1, 0.005)
    assert tuple(named.processors) == ours.processors == (LinearTemperature(48, 0.8, 0.4),)
    assert named.proposal == ours.proposal == Draw()
    assert isinstance(ours, Sampler)
