"""Ray and processes do what this process does."""

from pathlib import Path
from unittest.mock import MagicMock, patch

import pytest
import torch

from adaptive_diffusion.config import compose_part, instantiate, resolve
from adaptive_diffusion.plugins.ray_engine import OBJECT_STORE, Ray
from adaptive_diffusion.runs.engine import Engine, Processes
from adaptive_diffusion.runs.evaluate import evaluate_file
from adaptive_diffusion.runs.query_job import QueryJob
from adaptive_diffusion.runs.sample import sample_file
from adaptive_diffusion.storage.checkpoint import save_checkpoint

ENGINES = [
    pytest.param(Processes(2), id="processes"),
    pytest.param(Ray(2), id="ray", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a 4×4 denoiser as it is before training, and forty puzzles beside it."""
    folder: Path = tmp_path_factory.mktemp("untrained")
    node = resolve(compose_part("model", "sudoku_4x4"))
    torch.manual_seed(0)
    task = {"_target_": "adaptive_diffusion.tasks.sudoku.SudokuDataModule", "size": 4, "test_puzzles": 40}
    save_checkpoint(folder / "denoiser.safetensors", instantiate(node), node, {"task": task})
    puzzles = instantiate(task).test.puzzles
    (folder / "puzzles.txt").write_text("\n".join("".join(map(str, row)) for row in puzzles.tolist()))
    return folder


def job(folder: Path, engine: Engine | None) -> QueryJob:
    return QueryJob(folder / "denoiser.safetensors", folder / "puzzles.txt", engine=engine)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_answers_in_shards_are_those_of_one_process(untrained: Path, engine: Engine) -> None:
    if isinstance(engine, Ray):
        pytest.importorskip("ray", reason="needs the extra: pip install adaptive-diffusion[ray]")
    with patch("adaptive_diffusion.runs.shards.Sharded.shard", 16):
        samplers = ["threshold", "mdlm"]
        here, there = (evaluate_file(job(untrained, where), samplers) for where in (None, engine))
        for one, other in zip(here, there, strict=True):
            assert {**one, "seconds": 0} == {**other, "seconds": 0}
        here, there = (list(sample_file(job(untrained, where), "mdlm", 2)) for where in (None, engine))
    assert here == there
    assert len(here) == 80


@pytest.mark.slow
def test_a_machine_that_joined_a_cluster_does_the_work(untrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="needs the extra: pip install adaptive-diffusion[ray]")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    node = {"object_store_memory": OBJECT_STORE, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **node})
    try:
        cluster.add_node(num_cpus=2, object_store_memory=OBJECT_STORE)
        engine = Ray(2, cluster.address)
        with patch("adaptive_diffusion.runs.shards.Sharded.shard", 16):
            here, there = (list(sample_file(job(untrained, where), "mdlm")) for where in (None, engine))
    finally:
        cluster.shutdown()
    assert here == there
    assert len(here) == 40


def test_an_engine_that_is_not_installed_names_its_extra() -> None:
    with (
        patch.dict("sys.modules", {"ray": None}),
        pytest.raises(ModuleNotFoundError, match=r"adaptive-diffusion\[ray\]"),
    ):
        list(Ray(1).each(str, [1]))


def test_ray_that_does_not_start_is_an_error_with_the_remedy() -> None:
    ray = MagicMock()
    ray.init.side_effect = Exception("The current node timed out during startup.")
    with (
        patch("adaptive_diffusion.plugins.ray_engine._ray", return_value=ray),
        pytest.raises(OSError, match=r"Ray did not start: The current node timed out.*leave out --engine ray"),
    ):
        list(Ray(1).each(str, [1]))
