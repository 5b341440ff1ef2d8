"""Whether padding changes predictions is measured when a model is loaded."""

import warnings

import pytest
import torch

pytestmark = pytest.mark.pretrained
transformers = pytest.importorskip("transformers", reason="needs the extra pretrained")

from remote_models import publish, tokenizer  # noqa: E402
from tiny_pretrained import diffusion_gemma  # noqa: E402

from adaptive_diffusion.models.pretrained import DiffusionGemma, Dream, LLaDA, LLaDA2, MaskedLanguageModel  # noqa: E402
from adaptive_diffusion.models.pretrained.ids import SpecialTokens  # noqa: E402

FAMILIES = {"LLaDAModelLM": LLaDA, "DreamModel": Dream, "LLaDA2MoeModelLM": LLaDA2}
SIZE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}


def bert(folder, **config):
    torch.manual_seed(0)
    transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=24, **SIZE, **config)).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", FAMILIES)
def test_model_that_applies_its_mask_loads_without_a_warning(tmp_path, name, dtype):
    family = FAMILIES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        denoiser = family.from_pretrained(publish(tmp_path, name, family.auto), remote_code=True, dtype=dtype)
    assert not denoiser.padding_changes_predictions


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_model_that_ignores_its_mask_is_found_out(tmp_path, dtype):
    path = publish(tmp_path, "IgnoresItsMask", LLaDA.auto)
    with pytest.warns(UserWarning, match="padding before a prompt changes the predictions"):
        denoiser = LLaDA.from_pretrained(path, remote_code=True, dtype=dtype)
    assert denoiser.padding_changes_predictions


def test_sequence_behind_a_padded_prompt_is_measured():
    model = diffusion_gemma()
    assert not DiffusionGemma(model, SpecialTokens.of(model.config)).padding_changes_predictions


def test_model_without_a_padding_token_cannot_be_padded():
    model = transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=24, **SIZE, pad_token_id=None)).eval()
    denoiser = MaskedLanguageModel(model, SpecialTokens(mask=3))
    assert denoiser.padding_error == torch.inf
    assert denoiser.padding_changes_predictions


def test_number_of_positions_is_that_of_the_config(tmp_path):
    assert MaskedLanguageModel.from_pretrained(bert(tmp_path, max_position_embeddings=40)).max_length == 40
    roberta = transformers.RobertaConfig(vocab_size=24, max_position_embeddings=42, pad_token_id=1, **SIZE)
    model = transformers.RobertaForMaskedLM(roberta).eval()
    assert MaskedLanguageModel(model, SpecialTokens(mask=3, pad=1)).max_length == 40  # counted from 2
    assert publish_without_limit(tmp_path / "remote").max_length is None


def publish_without_limit(folder):
    return LLaDA.from_pretrained(publish(folder, "LLaDAModelLM", LLaDA.auto), remote_code=True)


def test_weights_with_nan_are_named(tmp_path):
    path = bert(tmp_path)
    model = transformers.BertForMaskedLM.from_pretrained(path)
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight[9] = torch.nan  # a token that no probe reads
        model.bert.encoder.layer[0].output.dense.weight[0, 0] = torch.inf
    model.save_pretrained(path)
    with pytest.raises(ValueError, match="NaN or infinity in 'bert.embeddings.word_embeddings.weight' and 1 more"):
        MaskedLanguageModel.from_pretrained(path)


def test_large_finite_weights_are_accepted():
    from adaptive_diffusion.models.pretrained.weights import check_weights

    layer = torch.nn.Linear(4, 4)
    with torch.no_grad():
        layer.weight.fill_(torch.finfo(torch.float32).max)
    check_weights(layer)
