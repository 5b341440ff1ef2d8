"""`import adaptive_diffusion as ad`: load or wrap a model, choose rules, sample."""

import importlib
import warnings
from pathlib import Path

import pytest
import torch
from small_worlds import transformer
from torch import nn

import adaptive_diffusion as ad
from adaptive_diffusion.config import choices, compose_part, instantiate, resolve
from adaptive_diffusion.config.resolution import leaves
from adaptive_diffusion.models.heads import QualityHead
from adaptive_diffusion.storage.checkpoint import save_checkpoint
from adaptive_diffusion.storage.hub import save_pretrained
from adaptive_diffusion.tasks.sudoku import SudokuTask

ROLES = ("halting", "order", "pace", "plans", "processors", "proposal", "remasking")
FOUR = "1230341221434321\n" + "1030341221434320\n"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    config = resolve(compose_part("model", "sudoku_4x4"))
    task = {"_target_": "adaptive_diffusion.tasks.sudoku.SudokuDataModule", "size": 4, "clues": [4, 10]}
    torch.manual_seed(0)
    save_checkpoint(folder / "checkpoints/last.safetensors", instantiate(config), config, {"task": task})
    (folder / "queries.txt").write_text(FOUR)
    return folder / "checkpoints/last.safetensors"


def test_model_is_loaded_from_run_folder_checkpoint_or_export(checkpoint, tmp_path):
    export = save_pretrained(checkpoint, tmp_path / "export")
    models = [ad.load(source) for source in (str(checkpoint.parent.parent), checkpoint, export)]
    weights = [model.state_dict() for model in models]
    assert all(torch.equal(weights[0][name], other[name]) for other in weights[1:] for name in weights[0])
    assert {model.task.length for model in models} == {16}
    assert not any(model.training for model in models)


def test_name_that_is_neither_here_nor_of_the_hub_is_refused(tmp_path):
    with pytest.raises(ValueError, match="There is no file or folder missing, .* name on the hub"):
        ad.load("missing")
    with pytest.raises(ValueError, match="holds no checkpoint; train first"):
        ad.load(tmp_path)


def test_sampler_of_rules_by_role_answers_queries_of_a_file(checkpoint):
    model = ad.load(checkpoint)
    sampler = ad.Sampler(
        model,
        order=ad.order.Margin(),
        pace=ad.pace.Threshold(0.5),
        remasking=ad.remasking.LowQuality(0.001),
        halting=ad.halting.LearnedHalting(0.9),
    )
    queries = ad.read_queries(checkpoint.parent.parent / "queries.txt", model.task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = sampler.sample(queries, n=3, seed=0)
    assert result.query.tolist() == [0, 0, 0, 1, 1, 1]
    assert torch.equal(result.answers[0, :3], torch.tensor([0, 1, 2]))


def test_lines_that_are_left_out_are_warned_of(tmp_path):
    (tmp_path / "queries.txt").write_text(f"{FOUR}12\n")
    task = SudokuTask(4)
    with pytest.warns(UserWarning, match="skipped: .*line 3"):
        queries = ad.read_queries(tmp_path / "queries.txt", task, skip_bad=True)
    assert len(queries) == 2
    assert queries.layout == task.layout
    assert queries.take(torch.tensor([1])).layout == task.layout
    with pytest.raises(ValueError, match="line 3"):
        ad.read_queries(tmp_path / "queries.txt", task)


def test_wrapped_module_carries_heads_and_task():
    denoiser = transformer(4, 16)
    model = ad.wrap(denoiser, heads={"quality": QualityHead(32)}, task=SudokuTask(4))
    assert model.denoiser is denoiser
    assert list(model.heads) == ["quality"]
    assert model.task.name == SudokuTask(4).name
    assert ad.wrap(denoiser).task is None


def test_module_that_does_not_fit_its_task_is_refused():
    with pytest.raises(ValueError, match="predicts 3 tokens, but .* has 4"):
        ad.wrap(transformer(3, 16), task=SudokuTask(4))
    with pytest.raises(ValueError, match=r"Linear is not a denoiser yet; it lacks vocabulary \(the number"):
        ad.wrap(nn.Linear(2, 2))


def test_every_public_name_is_there_and_others_are_refused():
    assert {name: getattr(ad, name) for name in ad.__all__}.keys() <= set(dir(ad))
    with pytest.raises(AttributeError, match="'adaptive_diffusion' has no attribute 'Sampling'; it has Queries"):
        ad.Sampling  # noqa: B018


def test_rules_of_all_sampler_configs_are_in_a_namespace():
    exported = {id(value) for role in ROLES for value in vars(getattr(ad, role)).values()}
    for name in choices("sampler"):
        for key, target in leaves(resolve(compose_part("sampler", name))):
            if key.endswith("_target_") and ".rules." in target:
                module, _, rule = target.rpartition(".")
                assert id(getattr(importlib.import_module(module), rule)) in exported, (name, key, target)


@pytest.mark.parametrize("role", ROLES)
def test_namespace_of_a_role_lists_what_it_has(role):
    module = getattr(ad, role)
    assert set(module.__all__) <= set(vars(module))
    assert module.__all__ == sorted(module.__all__)
