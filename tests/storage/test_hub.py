"""Export of models to a folder of the form that the hub uses, and loading from it."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.config import compose_part, instantiate, resolve
from adaptive_diffusion.storage import hub
from adaptive_diffusion.storage.checkpoint import load_checkpoint, read_header, save_checkpoint

CONFIG = "sudoku_4x4"


def checkpoint(folder: Path, **about) -> Path:
    config = resolve(compose_part("model", CONFIG))
    torch.manual_seed(0)
    save_checkpoint(folder / "last.safetensors", instantiate(config), config, about)
    return folder / "last.safetensors"


def test_exported_model_is_loaded_with_equal_weights(tmp_path):
    file = checkpoint(tmp_path, averaged=True)
    folder = hub.save_pretrained(file, tmp_path / "exported")
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    torch.manual_seed(0)
    before = instantiate(resolve(compose_part("model", CONFIG))).state_dict()
    after = hub.from_pretrained(folder).state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("about", "word"), [({"averaged": True}, "ema"), ({"averaged": False}, "raw"), ({}, "unknown")]
)
def test_config_and_card_name_the_kind_of_weights(tmp_path, about, word):
    folder = hub.save_pretrained(checkpoint(tmp_path, steps=7, **about), tmp_path / "exported")
    assert json.loads((folder / "config.json").read_text())["weights"] == word
    card = (folder / "README.md").read_text()
    assert f"(`{word}`)" in card
    assert "- steps: 7" in card


def test_card_of_heads_names_the_base_model():
    denoiser = {"_target_": "adaptive_diffusion.models.pretrained.LLaDA.from_pretrained", "name": "somebody/model"}
    config = {"_target_": "adaptive_diffusion.models.heads.DenoiserWithHeads", "denoiser": denoiser}
    card = hub.model_card(hub.Header(config, {}, {}, frozenset()))
    assert "base_model: somebody/model" in card


def test_snippet_of_the_card_loads_the_model_with_its_task(tmp_path):
    task = {"_target_": "adaptive_diffusion.tasks.sudoku.SudokuDataModule", "size": 4}
    folder = hub.save_pretrained(checkpoint(tmp_path, task=task), tmp_path / "exported")
    snippet = (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]
    names = {}
    exec(snippet.replace("OWNER/NAME", str(folder)), names)
    assert "ad.load(" in snippet
    assert names["model"].task.name == "sudoku_4x4"


def test_snippet_of_the_card_allows_the_modules_of_the_users_model_and_task():
    about = {"task": {"_target_": "countdown.CountdownData"}}
    config = {"_target_": "adaptive_diffusion.models.heads.DenoiserWithHeads", "denoiser": {"_target_": "my.net.Net"}}
    card = hub.model_card(hub.Header(config, about, {}, frozenset()))
    assert 'model = ad.load("OWNER/NAME", allow=["countdown", "my.net"])' in card


class FakeApi:
    def __init__(self, **library):
        self.calls = []

    def create_repo(self, name, private, exist_ok):
        self.calls.append((name, private))
        return SimpleNamespace(repo_id=name)

    def upload_folder(self, repo_id, folder_path, allow_patterns):
        self.calls.append((repo_id, sorted(path.name for path in folder_path.iterdir() if path.name in allow_patterns)))


def test_upload_has_three_files_and_is_private_by_default(tmp_path, monkeypatch):
    api = FakeApi()
    monkeypatch.setattr(hub, "extra", lambda module, *name: SimpleNamespace(HfApi=lambda **library: api))
    folder = hub.save_pretrained(checkpoint(tmp_path), tmp_path / "exported")
    (folder / "secret.txt").write_text("")
    hub.push_to_hub(folder, "me/heads")
    hub.push_to_hub(folder, "me/heads", private=False)
    files = ["README.md", "config.json", "model.safetensors"]
    assert api.calls == [("me/heads", True), ("me/heads", files), ("me/heads", False), ("me/heads", files)]


class NetworkError(Exception):
    """As the HTTP library of the hub raises it: no OSError."""


class HubError(NetworkError, OSError):
    """As the hub raises it."""


@pytest.mark.parametrize("error", [NetworkError("no route\n\nto host"), HubError("no route to host")])
def test_hub_that_takes_nothing_is_a_sentence(tmp_path, monkeypatch, error):
    def refuse(*_, **__):
        raise error

    fake = SimpleNamespace(
        HfApi=lambda **library: SimpleNamespace(create_repo=refuse), errors=SimpleNamespace(HfHubHTTPError=HubError)
    )
    monkeypatch.setattr(hub, "extra", lambda module, *name: fake)
    folder = hub.save_pretrained(checkpoint(tmp_path), tmp_path / "exported")
    with pytest.raises(ValueError, match="exported is not uploaded to me/heads: no route to host; log in with"):
        hub.push_to_hub(folder, "me/heads")


def test_name_that_cannot_be_on_the_hub_is_refused_before_anything_is_written(tmp_path):
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["export", str(checkpoint(tmp_path)), str(out), "--push-to-hub", "foo"])
    assert result.exit_code == 2
    assert result.stderr == "Error: 'foo' cannot be a name on the hub; write OWNER/NAME\n"
    assert not out.exists()


def test_public_without_a_repository_is_refused_before_anything_is_written(tmp_path):
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["export", str(checkpoint(tmp_path)), str(out), "--public"])
    assert result.exit_code == 2
    assert "add --push-to-hub OWNER/NAME" in result.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "content"), [("README.md", "mine"), ("config.json", '{"format": "other"}'), ("notes.txt", "mine")]
)
def test_export_leaves_a_folder_of_the_user_alone(tmp_path, name, content):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / name).write_text(content)
    with pytest.raises(ValueError, match=f"mine holds {name}, which is no export; name a new folder"):
        hub.save_pretrained(checkpoint(tmp_path), mine)
    assert [(path.name, path.read_text()) for path in mine.iterdir()] == [(name, content)]


def test_export_over_an_earlier_one_replaces_it(tmp_path):
    folder = hub.save_pretrained(checkpoint(tmp_path, steps=7), tmp_path / "exported")
    (folder / "figures.json").write_text("{}")
    hub.save_pretrained(checkpoint(tmp_path, steps=8), folder)
    assert "- steps: 8" in (folder / "README.md").read_text()
    assert (folder / "figures.json").is_file()


def test_folder_without_an_export_is_not_uploaded(tmp_path):
    with pytest.raises(ValueError, match="adaptive-diffusion export"):
        hub.push_to_hub(tmp_path, "me/heads")


def test_command_exports_the_newest_checkpoint_of_a_run(tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    checkpoint(tmp_path / "run" / "checkpoints")
    done = CliRunner().invoke(app, ["export", str(tmp_path / "run"), str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert isinstance(hub.from_pretrained(tmp_path / "out"), type(instantiate(compose_part("model", CONFIG))))


@pytest.mark.parametrize("name", ["denoiser.ckpt", "denoiser.bin", "pytorch_model.pt", "weights.with_another_ending"])
@pytest.mark.parametrize("zipped", [True, False])
def test_pickle_is_refused_as_a_pickle_with_the_conversion(tmp_path, name, zipped):
    file = tmp_path / name
    torch.save({"weight": torch.zeros(300)}, file, _use_new_zipfile_serialization=zipped)
    for opened in (read_header, load_checkpoint, hub.from_pretrained):
        with pytest.raises(ValueError, match=f"{name} is a pickle.*adaptive-diffusion import {file} FOLDER"):
            opened(file)


def test_folder_with_pickled_weights_only_is_refused(tmp_path):
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"pytorch_model.bin is a pickle.*adaptive-diffusion import"):
        hub.from_pretrained(tmp_path)


def test_damaged_safetensors_file_is_not_taken_for_a_pickle(tmp_path):
    file = tmp_path / "denoiser.safetensors"
    file.write_bytes(b"\x00" * 4)
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        hub.from_pretrained(file)


def test_path_with_a_spelling_mistake_is_not_asked_of_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "quickstart").mkdir(parents=True)
    monkeypatch.setattr(hub, "extra", None)
    with pytest.raises(ValueError, match="no file or folder runs/quikstart; the nearest is runs/quickstart"):
        hub.from_pretrained("runs/quikstart")
    with pytest.raises(ValueError, match="no file or folder runs/maze; look into runs for its name"):
        hub.from_pretrained("runs/maze")
