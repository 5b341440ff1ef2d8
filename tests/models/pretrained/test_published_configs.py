"""The configs of published checkpoints, without downloading any."""

import re

import pytest

from adaptive_diffusion.config import compose_part
from adaptive_diffusion.config.instantiation import check
from adaptive_diffusion.config.resolution import leaves, resolve
from adaptive_diffusion.config.search import choices, package_folder

PUBLISHED = [
    name for name in choices("model") if "models.pretrained" in (package_folder() / f"model/{name}.yaml").read_text()
]


def plain(name):
    return {key.rpartition(".")[2]: value for key, value in leaves(resolve(compose_part("model", name)))}


def test_all_families_are_there():
    found = {str(value) for name in PUBLISHED for key, value in leaves(resolve(compose_part("model", name)))}
    for family in ("LLaDA", "Dream", "LLaDA2", "DiffusionGemma", "MaskedLanguageModel"):
        assert f"adaptive_diffusion.models.pretrained.{family}.from_pretrained" in found


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_config_can_be_called_and_remote_code_is_pinned(name):
    check(compose_part("model", name))
    values = plain(name)
    if values.get("remote_code"):
        assert re.fullmatch("[0-9a-f]{40}", values["revision"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_config_says_what_memory_it_needs_and_names_a_sampler_that_exists(name):
    comment = (package_folder() / f"model/{name}.yaml").read_text().split("\n_target_:")[0]
    assert re.search(r"\d GB", comment)
    for sampler in re.findall(r"Sampler: (\w+)", comment):
        assert sampler in choices("sampler")
