"""Joining models that were trained apart."""

import pytest
from omegaconf import OmegaConf

from adaptive_diffusion.config import compose, instantiate
from adaptive_diffusion.runs.stage import StageContext
from adaptive_diffusion.runs.stages import Join
from adaptive_diffusion.storage.checkpoint import read_header, save_checkpoint
from adaptive_diffusion.storage.folder import RunFolder

HEAD = "adaptive_diffusion.models.heads.QualityHead"


@pytest.fixture
def nodes():
    config = OmegaConf.to_container(compose("quickstart"), resolve=True)
    model = {key: value for key, value in config["model"].items() if key != "heads"}
    model["denoiser"] = {**model["denoiser"], "width": 16, "depth": 1, "heads": 2}
    return model, config["task"]


def with_heads(model, *names):
    return {**model, "heads": {name: {"_target_": HEAD, "width": 16} for name in names}}


@pytest.mark.parametrize(
    ("parts", "untrained"),
    [
        ({"denoiser": "plain"}, ["judge", "quality"]),
        ({"denoiser": "plain", "heads.quality": "head"}, ["judge"]),
        ({"": "both"}, ["quality"]),
        ({"": "both", "heads.quality": "head"}, []),
    ],
)
def test_heads_that_no_part_trained_are_named_in_the_checkpoint(tmp_path, nodes, parts, untrained):
    model, data = nodes
    joined = with_heads(model, "quality", "judge")
    whole = instantiate(joined)
    sources = {
        "plain": (whole.denoiser, model["denoiser"], []),
        "head": (whole.heads["quality"], joined["heads"]["quality"], []),
        "both": (whole, joined, ["quality"]),
    }
    for name, (module, node, random) in sources.items():
        save_checkpoint(tmp_path / f"{name}.safetensors", module, node, {"task": data, "untrained": random})
    files = {path: str(tmp_path / f"{name}.safetensors") for path, name in parts.items()}
    with RunFolder(tmp_path / "run") as folder:
        Join(joined, data, files)(StageContext(folder, "joined"))
    assert read_header(tmp_path / "run" / "checkpoints" / "joined.safetensors").untrained == frozenset(untrained)
