"""Consent to remote code, refusal of pickles, sources of special tokens."""

import json
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.pretrained
transformers = pytest.importorskip("transformers", reason="needs the extra pretrained")

from remote_models import publish, tokenizer  # noqa: E402

from adaptive_diffusion.models.pretrained import LLaDA, MaskedLanguageModel  # noqa: E402
from adaptive_diffusion.models.pretrained.ids import SpecialTokens  # noqa: E402
from adaptive_diffusion.models.pretrained.loading import Checkpoint, extra  # noqa: E402

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def config(**ids):
    each = SimpleNamespace(**ids)
    each.get_text_config = lambda: each
    return each


def test_code_beside_the_weights_runs_only_with_consent(tmp_path, monkeypatch):
    path = publish(tmp_path, "LLaDAModelLM", LLaDA.auto)
    ran = tmp_path / "ran"
    code = tmp_path / "modeling_tiny.py"
    code.write_text(f"open({str(ran)!r}, 'w').close()\n{code.read_text()}")
    with pytest.raises(ValueError, match="remote_code=true revision=COMMIT"):
        LLaDA.from_pretrained(path)
    assert not ran.exists()
    LLaDA.from_pretrained(path, remote_code=True)
    assert ran.exists()


@pytest.mark.parametrize("revision", [None, "main", "v1.0", COMMIT[:12], COMMIT.upper()])
def test_remote_code_of_the_hub_needs_a_pinned_commit(revision):
    with pytest.raises(ValueError, match="40 digits of the commit"):
        Checkpoint("owner/model", revision, remote_code=True)
    assert Checkpoint("owner/model", COMMIT, remote_code=True).revision == COMMIT


def test_code_of_a_third_repository_is_refused(tmp_path):
    path = publish(tmp_path, "LLaDAModelLM", LLaDA.auto)
    about = json.loads((tmp_path / "config.json").read_text())
    about["auto_map"][LLaDA.auto] = "another/code--modeling.LLaDAModelLM"
    (tmp_path / "config.json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match="another/code"):
        LLaDA.from_pretrained(path, remote_code=True)


def test_pickled_weights_are_not_opened(tmp_path):
    import torch

    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    model = transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=24, **size))
    model.config.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"pytorch_model.bin is a pickle.*adaptive-diffusion import"):
        MaskedLanguageModel.from_pretrained(str(tmp_path))


def test_config_and_tokenizer_complete_each_other():
    assert SpecialTokens.of(config(eos_token_id=[7, 9]), tokenizer()) == SpecialTokens(3, 0, (1, 7, 9))
    assert SpecialTokens.of(config(mask_token_id=5, pad_token_id=6)) == SpecialTokens(5, 6, ())
    generation = {"eos_token_id": 11, "pad_token_id": 8}
    assert SpecialTokens.of(config(eos_token_id=[7, 9]), None, None, generation) == SpecialTokens(None, 8, (7, 9, 11))


def test_different_masks_are_refused_unless_one_is_named():
    with pytest.raises(ValueError, match="5 the mask, the tokenizer 3"):
        SpecialTokens.of(config(mask_token_id=5), tokenizer())
    assert SpecialTokens.of(config(mask_token_id=5), tokenizer(), "w1").mask == 5
    with pytest.raises(ValueError, match="no single token"):
        SpecialTokens.of(config(), tokenizer(), "<nothing>")


def test_a_model_without_a_mask_is_refused(tmp_path):
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=24, **size)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="names a mask"):
        MaskedLanguageModel.from_pretrained(str(tmp_path))


def test_a_missing_extra_is_named():
    with pytest.raises(ModuleNotFoundError, match=r"adaptive-diffusion\[pretrained\]"):
        extra("a_module_that_does_not_exist")
