"""A tiny BERT with heads, exported as `adaptive-diffusion export` does it, for the tests of lm-eval."""

import pytest
import torch

POSITIONS = 128


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """The folder of the export."""
    from remote_models import tokenizer
    from transformers import BertConfig, BertForMaskedLM

    from adaptive_diffusion.config import instantiate
    from adaptive_diffusion.storage.checkpoint import save_checkpoint
    from adaptive_diffusion.storage.hub import save_pretrained

    folder = tmp_path_factory.mktemp("lm-eval")
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}
    bert = BertForMaskedLM(BertConfig(vocab_size=24, max_position_embeddings=POSITIONS, **size))
    with torch.no_grad():
        bert.bert.embeddings.word_embeddings.weight.normal_(0, 0.8)  # so that its predictions differ
    bert.save_pretrained(folder / "bert")
    tokenizer().save_pretrained(folder / "bert")
    models = "adaptive_diffusion.models"
    loader = f"{models}.pretrained.MaskedLanguageModel.from_pretrained"
    config = {
        "_target_": f"{models}.heads.DenoiserWithHeads",
        "denoiser": {"_target_": loader, "name": str(folder / "bert")},
        "heads": {"quality": {"_target_": f"{models}.heads.QualityHead", "width": 16}},
    }
    save_checkpoint(folder / "heads.safetensors", instantiate(config), config, {"averaged": True})
    return str(save_pretrained(folder / "heads.safetensors", folder / "exported"))
