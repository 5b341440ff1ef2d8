"""Every family end to end: tiny models of the real classes, written to disk, opened, sampled."""

import pytest
import torch

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.rules.pace import Threshold
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling import Sampler

pytestmark = pytest.mark.pretrained
transformers = pytest.importorskip("transformers", reason="needs the extra pretrained")

from remote_models import MASK, PAD, WORDS, publish, tokenizer  # noqa: E402

from adaptive_diffusion.models.pretrained import Dream, LLaDA, LLaDA2, MaskedLanguageModel  # noqa: E402

VOCABULARY = len(WORDS)
SIZE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "pad_token_id": PAD,
}
ENCODERS = {
    "Bert": {},
    "Roberta": {},
    "ModernBert": {"global_attn_every_n_layers": 2, "local_attention": 8},
    "EuroBert": {"num_key_value_heads": 2, "head_dim": 16, "mask_token_id": MASK},
    "Albert": {"embedding_size": 16},
    "Electra": {"embedding_size": 32},
}
REMOTE = {
    "LLaDA": (LLaDA, "LLaDAModelLM", {}),
    "Dream": (Dream, "DreamModel", {}),
    "LLaDA2": (LLaDA2, "LLaDA2MoeModelLM", {"block_length": 4}),
}


def encoder(folder, name):
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**SIZE, **ENCODERS[name])
    model = transformers.AutoModelForMaskedLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(8)  # so that random models are sure of something
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return model


@pytest.fixture(scope="module", params=[*ENCODERS, *REMOTE])
def denoiser(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param in ENCODERS:
        encoder(folder, request.param)
        return MaskedLanguageModel.from_pretrained(str(folder))
    family, name, settings = REMOTE[request.param]
    return family.from_pretrained(publish(folder, name, family.auto), remote_code=True, **settings)


def prompts_of_several_lengths(padded):
    """Six prompts of 2 to 7 tokens, padded on the left to 7, before 6 open positions."""
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(4, VOCABULARY, (6, 13), generator=generator)
    padding = torch.arange(13) < torch.arange(6)[:, None] * padded
    return Queries.of(tokens.masked_fill(padding, PAD), (torch.arange(13) >= 7).expand(6, -1))


def sampler(denoiser):
    return Sampler(denoiser, proposal=Draw(), pace=Threshold(0.12))


def test_ids_come_from_config_and_tokenizer(denoiser):
    assert (denoiser.tokens.mask, denoiser.tokens.pad) == (MASK, PAD)
    assert 1 in denoiser.tokens.end
    assert denoiser.corruption.mask_id == MASK
    assert denoiser.vocabulary == VOCABULARY


def test_a_batch_is_its_queries_one_by_one_with_left_padding(denoiser):
    """Both padded alike, bit for bit, and without any padding."""
    queries = prompts_of_several_lengths(padded=True)
    together = sampler(denoiser).sample(queries, seed=0)
    assert (together.answers[:, 7:] != MASK).all()
    assert len(together.nfe.unique()) > 1
    for row in range(len(queries)):
        one = queries.take(slice(row, row + 1))
        alone = sampler(denoiser).sample(one, seed=0)
        assert torch.equal(together.answers[row], alone.answers[0])
        assert together.nfe[row] == alone.nfe[0]


def test_padding_changes_no_prediction(denoiser):
    queries = prompts_of_several_lengths(padded=True)
    tokens = queries.tokens.masked_fill(queries.editable, MASK)
    status = torch.where(queries.editable, 2, 0)
    together = denoiser.hidden(tokens, status)
    for row in range(1, len(queries)):
        alone = denoiser.hidden(tokens[row : row + 1, row:], status[row : row + 1, row:])
        torch.testing.assert_close(together[row, row:], alone[0], atol=1e-4, rtol=1e-4)


def test_the_mask_is_never_predicted(denoiser):
    queries = prompts_of_several_lengths(padded=False)
    hidden = denoiser.hidden(queries.tokens, torch.where(queries.editable, 2, 0))
    logits = denoiser.logits(hidden.flatten(0, 1))
    assert logits[:, MASK].isneginf().all()
    assert logits.isfinite().sum(1).eq(VOCABULARY - 1).all()


@pytest.mark.parametrize("name", ENCODERS)
def test_logits_are_the_models_own(tmp_path, name):
    model = encoder(tmp_path, name)
    ours = MaskedLanguageModel.from_pretrained(str(tmp_path))
    queries = prompts_of_several_lengths(padded=False)
    with torch.no_grad():
        logits_of_model = model(input_ids=queries.tokens, attention_mask=torch.ones_like(queries.tokens)).logits
    hidden = ours.hidden(queries.tokens, torch.where(queries.editable, 2, 0))
    unmasked = torch.arange(VOCABULARY) != MASK
    logits = ours.logits(hidden.flatten(0, 1)).view_as(logits_of_model)
    torch.testing.assert_close(logits[..., unmasked], logits_of_model[..., unmasked], atol=1e-4, rtol=1e-4)


def test_a_shifted_and_an_aligned_model_of_one_distribution_give_the_same_answers(tmp_path):
    """The same weights behind both signatures; Dream predicts at i what LLaDA predicts at i + 1."""
    both = []
    for family, name in ((LLaDA, "LLaDAModelLM"), (Dream, "DreamModel")):
        path = publish(tmp_path / name, name, family.auto)
        both.append(
            sampler(family.from_pretrained(path, remote_code=True)).sample(
                prompts_of_several_lengths(padded=True), n=3, seed=0
            )
        )
    aligned, shifted = both
    assert torch.equal(aligned.answers, shifted.answers)
    assert torch.equal(aligned.nfe, shifted.nfe)


def test_a_later_block_is_not_seen(tmp_path):
    denoiser = LLaDA2.from_pretrained(
        publish(tmp_path, "LLaDA2MoeModelLM", LLaDA2.auto), remote_code=True, block_length=4
    )
    tokens = torch.arange(4, 16)[None]
    other = tokens.clone()
    other[:, 8:] = 20
    status = torch.zeros_like(tokens)
    one, two = denoiser.hidden(tokens, status), denoiser.hidden(other, status)
    assert torch.equal(one[:, :8], two[:, :8])
    assert not torch.isclose(one[:, 8:], two[:, 8:]).all(2).any()
    other = tokens.clone()
    other[:, 7] = 20
    assert not torch.isclose(one[:, 4:7], denoiser.hidden(other, status)[:, 4:7]).all(2).any()


def test_logits_that_are_changed_after_the_output_layer_are_refused(tmp_path):
    config = transformers.EsmConfig(**SIZE, mask_token_id=MASK, position_embedding_type="rotary")
    model = transformers.EsmForMaskedLM(config)
    torch.nn.init.normal_(model.lm_head.bias)
    model.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="changes its logits after the output layer"):
        MaskedLanguageModel.from_pretrained(str(tmp_path))
