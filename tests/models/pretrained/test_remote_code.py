"""Errors of code beside the weights become one sentence with the remedy."""

import json

import pytest

pytestmark = pytest.mark.pretrained
transformers = pytest.importorskip("transformers", reason="needs the extra pretrained")

from remote_models import publish  # noqa: E402

from adaptive_diffusion.models.pretrained import LLaDA  # noqa: E402

WRITTEN_FOR = "4.38.2"
FAULTS = {
    "attribute": ("self.all_of_the_tied_weights", "AttributeError: .*all_of_the_tied_weights.*add the attribute"),
    "entry": ("{}['default']", "KeyError: 'default'.*add the missing entry"),
    "import": ("from transformers.modeling_utils import a_name_that_went", "ImportError.*add or replace the import"),
    "call": ("torch.zeros(1, width=2)", "TypeError.*mend the call"),
}


def broken(folder, fault, where, version=WRITTEN_FOR):
    """A published model whose code has the `fault` in its constructor, its forward, or its first line."""
    path = publish(folder, "LLaDAModelLM", LLaDA.auto, **({"transformers_version": version} if version else {}))
    code = folder / "modeling_tiny.py"
    lines = {
        "constructor": "        self.embed = nn.Embedding(config.vocab_size, config.width)\n",
        "forward": "        seen = None if attention_mask is None else attention_mask.bool()[:, None, None]\n",
        "import": "import torch\n",
    }
    line = lines[where]
    indent = line[: len(line) - len(line.lstrip())]
    assert line in code.read_text()
    code.write_text(code.read_text().replace(line, f"{line}{indent}{fault}\n", 1))
    return path


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("attribute", "constructor"),
        ("attribute", "forward"),
        ("entry", "constructor"),
        ("import", "import"),
        ("call", "forward"),
    ],
)
def test_error_names_versions_and_remedy(tmp_path, name, where):
    fault, match = FAULTS[name]
    with pytest.raises(ValueError, match=match) as caught:
        LLaDA.from_pretrained(broken(tmp_path, fault, where), remote_code=True)
    message = str(caught.value)
    assert f"written for transformers {WRITTEN_FOR} and fails on {transformers.__version__}" in message
    assert f"pip install transformers=={WRITTEN_FOR}" in message
    assert "\n" not in message


def test_checkpoint_without_a_version_points_to_its_model_card(tmp_path):
    path = broken(tmp_path, FAULTS["attribute"][0], "forward", version=None)
    with pytest.raises(ValueError, match="the version that its model card names"):
        LLaDA.from_pretrained(path, remote_code=True)


def test_setting_that_the_family_does_not_have_is_no_error_of_the_code(tmp_path):
    path = publish(tmp_path, "LLaDAModelLM", LLaDA.auto)
    with pytest.raises(TypeError, match="blocks"):
        LLaDA.from_pretrained(path, remote_code=True, blocks=3)


def test_end_tokens_of_the_generation_config_are_read(tmp_path):
    path = publish(tmp_path, "LLaDAModelLM", LLaDA.auto)
    settings = tmp_path / "generation_config.json"
    settings.write_text(json.dumps({"eos_token_id": [1, 22, 14]}))
    assert LLaDA.from_pretrained(path, remote_code=True).tokens.end == (1, 14, 22)
    for text, match in (
        ('{"eos_token_id": ["<|end|>"]}', "eos_token_id in generation_config.json holds '<|end|>'"),
        ("{", "generation_config.json of .* cannot be read"),
        ("[1]", "holds no settings"),
    ):
        settings.write_text(text)
        with pytest.raises(ValueError, match=match):
            LLaDA.from_pretrained(path, remote_code=True)
