"""One line trains a head on a model that was there before, on its own tokens, and reports."""

import json

import pytest

pytestmark = pytest.mark.pretrained
transformers = pytest.importorskip("transformers", reason="needs the extra pretrained")
tokenizers = pytest.importorskip("tokenizers", reason="needs the extra pretrained")

from adaptive_diffusion.config import compose  # noqa: E402
from adaptive_diffusion.runs.experiment import run_experiment  # noqa: E402
from adaptive_diffusion.storage.checkpoint import read_header  # noqa: E402
from adaptive_diffusion.storage.folder import RunFolder  # noqa: E402

CODE = """def function_{n}(argument, scale):
    value = argument + {n}
    return value * scale


"""
SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[MASK]"]


def modernbert(folder):
    """A tiny one that reads bytes."""
    symbols = [*SPECIAL, *tokenizers.pre_tokenizers.ByteLevel.alphabet()]
    inner = tokenizers.Tokenizer(tokenizers.models.BPE({symbol: n for n, symbol in enumerate(symbols)}, []))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = tokenizers.decoders.ByteLevel()
    named = dict(zip(("pad_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    transformers.PreTrainedTokenizerFast(tokenizer_object=inner, **named).save_pretrained(folder)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    ids = dict(zip(("pad_token_id", "cls_token_id", "sep_token_id", "mask_token_id"), range(4), strict=True))
    config = transformers.ModernBertConfig(
        vocab_size=len(symbols), **size, **ids, bos_token_id=1, eos_token_id=2, max_position_embeddings=128
    )
    transformers.AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    return folder


def test_a_quality_head_is_trained_on_the_models_own_tokens(tmp_path):
    for n in range(100, 180):
        (tmp_path / f"{n}.txt").write_text(CODE.format(n=n) * 2)
    files = f"{{_target_: adaptive_diffusion.tasks.text.corpora.TextFiles, paths: ['{tmp_path}']}}"
    small = [
        f"model.denoiser.name={modernbert(tmp_path / 'model')}",
        "model.heads.quality.width=32",
        "model.heads.halting.width=32",
        f"task.corpus={files}",
        "task.length=128",
        "task.batch_size=4",
        "task.test_problems=4",
        "stages.quality.module.training_states.0.rows=4",
        "stages.quality.steps=2",
        "stages.evaluation.samplers=['threshold pace.threshold=0.9', prism]",
    ]
    with RunFolder(tmp_path / "run") as folder:
        run_experiment(compose("pretrained", small), folder, say=lambda line: None)
    header = read_header(folder.file("checkpoints/quality.safetensors"))
    assert {".".join(name.split(".")[:2]) for name in header.shapes} == {"heads.quality", "heads.halting"}
    rows = json.loads(folder.file("summary.json").read_text())["samplers"]
    assert [row["sampler"] for row in rows] == ["threshold_0.9", "prism"]
    assert folder.file("report.html").stat().st_size > 10_000
