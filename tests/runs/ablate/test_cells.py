"""A cell is addressed by what its result depends on, and by nothing else."""

from pathlib import Path

import pytest
import torch

from adaptive_diffusion.config import compose_part, instantiate, resolve
from adaptive_diffusion.config.grid import combinations
from adaptive_diffusion.runs.ablate.cells import experiment_cells, sampler_cells
from adaptive_diffusion.storage.checkpoint import save_checkpoint
from adaptive_diffusion.storage.folder import RunFolder


def save(path: Path, seed: int) -> Path:
    node = resolve(compose_part("model", "sudoku_4x4"))
    torch.manual_seed(seed)
    task = {"_target_": "adaptive_diffusion.tasks.sudoku.SudokuDataModule", "size": 4, "validation_puzzles": 8}
    save_checkpoint(path, instantiate(node), node, {"task": task})
    return path


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("model") / "denoiser.safetensors", 0)


def digests(source: Path, *overrides: str) -> list[str]:
    return [cell.digest for cell in sampler_cells(source, combinations(overrides))]


def test_every_experiment_cell_has_an_address_that_its_config_gives_it():
    first, second = experiment_cells("quickstart", combinations(["seed=0,1"]))
    assert first.digest != second.digest
    (said_otherwise,) = experiment_cells("quickstart", [()])
    assert said_otherwise.digest == first.digest


def test_the_address_of_a_sampler_cell_follows_checkpoint_sampler_and_seed(untrained: Path, tmp_path: Path):
    (plain,) = digests(untrained, "sampler=threshold")
    assert digests(untrained, "sampler=threshold", "pace.threshold=0.9") == [plain]
    others = [
        *digests(untrained, "sampler=threshold", "pace.threshold=0.8,0.7"),
        *digests(untrained, "sampler=threshold", "seed=1"),
        *digests(save(tmp_path / "other.safetensors", 1), "sampler=threshold"),
    ]
    assert len({plain, *others}) == 5


def test_queries_of_a_file_are_part_of_the_address(untrained: Path, tmp_path: Path):
    cells = []
    for line in ("1234341221434321\n", ".234341221434321\n"):
        queries = tmp_path / "queries.txt"
        queries.write_text(line)
        cells.append(sampler_cells(untrained, [("sampler=mdlm",)], queries)[0].digest)
    assert len({*cells, *digests(untrained, "sampler=mdlm")}) == 3


def test_bad_queries_of_a_file_are_refused_or_left_out_with_a_warning(untrained: Path, tmp_path: Path):
    queries = tmp_path / "queries.txt"
    queries.write_text("123434122143432x\n.234341221434321\n")
    (strict,) = sampler_cells(untrained, [("sampler=mdlm",)], queries)
    with RunFolder(tmp_path / "strict") as folder, pytest.raises(ValueError, match="`--skip-bad` goes on without"):
        strict.run(folder)
    (tolerant,) = sampler_cells(untrained, [("sampler=mdlm",)], queries, skip_bad=True)
    with RunFolder(tmp_path / "tolerant") as folder, pytest.warns(UserWarning, match="skipped: line 1"):
        (row,) = tolerant.run(folder)
    assert row["queries"] == 1


def test_a_sampler_cell_asks_the_validation_problems_and_leaves_a_trace(untrained: Path, tmp_path: Path):
    (cell,) = sampler_cells(untrained, [("sampler=threshold", "seed=3")])
    with RunFolder(tmp_path / "cell") as folder:
        (row,) = cell.run(folder)
    assert (row["sampler"], row["queries"]) == ("threshold", 8)
    assert list((tmp_path / "cell" / "traces" / "threshold").glob("rows-*.parquet"))


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (("pace.threshold=0.9",), "needs the sampler's name"),
        (("sampler=mdlm", "seed=-1"), "^seed=-1 must be a whole number from 0$"),
    ],
)
def test_a_setting_without_a_sampler_or_with_a_strange_seed_is_refused(untrained: Path, setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        sampler_cells(untrained, [setting])
