"""Legacy checkpoints become safetensors; whatever a file names beside tensors and plain values is refused by name."""

import argparse
import json
import zipfile
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file, save_file
from torch import nn
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.storage.importing.architecture import fit
from adaptive_diffusion.storage.importing.convert import Conversion, convert
from adaptive_diffusion.storage.importing.names import Names
from adaptive_diffusion.storage.importing.pickled import plain, read_pickled
from adaptive_diffusion.storage.importing.state_dict import weights_of

WEIGHTS = {"layer.0.weight": torch.arange(6.0).reshape(2, 3), "layer.0.bias": torch.ones(2)}


class Bomb:
    """What a pickle would run."""

    def __reduce__(self):
        return eval, ("open('owned', 'w').close()",)


def saved(path: Path, content, legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


@pytest.mark.parametrize("legacy", [False, True])
def test_lightning_checkpoint_with_omegaconf_becomes_safetensors(tmp_path, legacy):
    settings = OmegaConf.create({"model": {"depth": 2, "rates": [0.1, 0.2]}})
    content = {"state_dict": WEIGHTS, "hyper_parameters": settings, "optimizer_states": [{"state": {0: WEIGHTS}}]}
    imported = convert(saved(tmp_path / "last.ckpt", content, legacy), tmp_path / "out", Conversion())
    stored = load_file(tmp_path / "out" / "model.safetensors")
    assert stored.keys() == WEIGHTS.keys()
    assert all(torch.equal(stored[name], WEIGHTS[name]) for name in stored)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config == {"settings": {"hyper_parameters": {"model": {"depth": 2, "rates": [0.1, 0.2]}}}}
    assert any("not checked" in sentence for sentence in imported.sentences)
    assert "license" not in (tmp_path / "out" / "README.md").read_text()


def test_namespace_is_read_as_values(tmp_path):
    held = read_pickled(saved(tmp_path / "a.pt", {"args": argparse.Namespace(width=8, name="x"), "model": WEIGHTS}))
    assert plain(held["args"]) == {"width": 8, "name": "x"}
    assert type(held["args"]).__name__ == "Inert"


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_file_is_refused_by_name_and_does_not_run(tmp_path, monkeypatch, legacy):
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path / "a.bin", {"state_dict": WEIGHTS, "x": Bomb()}, legacy)
    with pytest.raises(ValueError, match=r"it names builtins\.eval"):
        read_pickled(path)
    assert not (tmp_path / "owned").exists()


def test_code_read_as_an_inert_value_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path / "a.bin", {"state_dict": WEIGHTS, "x": Bomb()})
    held = read_pickled(path, ["builtins.eval"])
    assert plain(held["x"]) == ["open('owned', 'w').close()"]
    assert not (tmp_path / "owned").exists()


def test_class_of_a_module_that_is_not_installed_needs_no_import(tmp_path):
    content = zipfile_with_global(tmp_path / "a.pt", b"nowhere.at_all\nThing")
    with pytest.raises(ValueError, match=r"names nowhere\.at_all\.Thing.*--inert nowhere\.at_all\.Thing"):
        read_pickled(content)
    assert "x" in read_pickled(content, ["nowhere.at_all.Thing"])


def zipfile_with_global(path: Path, name: bytes) -> Path:
    """A file of torch.save whose pickle calls a class that nobody has."""
    saved(path, {"x": Bomb()})
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    pickled = next(content for key, content in entries.items() if key.endswith("data.pkl"))
    called = next(one for one in (b"c__builtin__\neval", b"cbuiltins\neval") if one in pickled)
    with zipfile.ZipFile(path, "w") as archive:
        for key, content in entries.items():
            archive.writestr(key, content.replace(called, b"c" + name))
    return path


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_truncated_file_is_refused(tmp_path, legacy, share):
    content = saved(tmp_path / "a.pt", WEIGHTS, legacy).read_bytes()
    (tmp_path / "b.pt").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="truncated, damaged|is damaged"):
        read_pickled(tmp_path / "b.pt")


def test_archive_that_unpacks_to_more_than_its_size_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 1_000_000)
    with pytest.raises(ValueError, match="unpacks to more than its own"):
        read_pickled(tmp_path / "a.pt")


def test_tensor_that_spans_more_than_is_stored_is_refused(tmp_path):
    path = saved(tmp_path / "a.pt", {"w": torch.zeros(1).expand(10**9)})
    with pytest.raises(ValueError, match="spans 1000000000 numbers, of which the file stores only 1"):
        weights_of(read_pickled(path))


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [(torch.tensor([torch.nan]), "NaN or infinity"), (torch.eye(2).to_sparse(), "no dense tensor")],
)
def test_weights_that_are_no_numbers_are_refused(tensor, reason):
    with pytest.raises(ValueError, match=f"'w'.*{reason}"):
        weights_of({"model": {"w": tensor}})


def test_one_of_several_state_dicts_must_be_named():
    held = {"model": WEIGHTS, "ema": {"model": WEIGHTS}}
    with pytest.raises(ValueError, match=r"several state dicts: model, ema.model; name one with --weights"):
        weights_of(held)
    assert weights_of(held, "ema.model")[0] == "ema.model"
    with pytest.raises(ValueError, match="no state dict 'x'; it holds model, ema.model"):
        weights_of(held, "x")


def test_containers_in_each_other_without_end_are_refused():
    held: dict = {}
    held["again"] = held
    with pytest.raises(ValueError, match="in each other"):
        weights_of(held)


def test_file_without_weights_is_refused():
    with pytest.raises(ValueError, match="no state dict"):
        weights_of({"a": 1})


def test_names_are_mapped_by_the_longest_beginning_that_fits():
    names = Names({"model": "", "model.layers.*.fc1": "layer.*.up", "model.layers.*.drop": None})
    assert names("model.layers.12.fc1.weight") == "layer.12.up.weight"
    assert names("model.head.bias") == "head.bias"
    assert names("model.layers.0.drop.p") is None
    assert names("modelled.x") == "modelled.x"


def test_two_weights_of_one_name_are_refused():
    with pytest.raises(ValueError, match=r"two weights the name 'a.w'"):
        Names({"b": "a"}).rename({"a.w": 1, "b.w": 2})


@pytest.mark.parametrize("table", [{"a": 1}, {"a.*": "*.*"}])
def test_tables_that_map_nothing_are_refused(table):
    with pytest.raises(ValueError, match="a"):
        Names(table)


def test_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    result = CliRunner().invoke(app, ["import", str(saved(tmp_path / "a.pt", WEIGHTS)), str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "is there already" in result.stderr
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_unknown_name_lists_the_known_packages():
    result = CliRunner().invoke(app, ["import", "nothing", "out"])
    assert result.exit_code == 2
    assert "antiberty, minilm, sapiens" in result.stderr


@pytest.mark.parametrize("option", ["--config", "--names", "--weights", "--inert"])
def test_known_package_takes_no_description_beside_its_own(option):
    result = CliRunner().invoke(app, ["import", "minilm", "out", option, "nothing.json"])
    assert result.exit_code == 2
    expected = f"Error: minilm is a known package, which brings its own config; leave out {option}\n"
    assert result.stderr == expected


def test_table_and_key_on_the_command_line(tmp_path):
    saved(tmp_path / "a.ckpt", {"net": WEIGHTS, "ema": WEIGHTS})
    (tmp_path / "names.yaml").write_text("layer.*: block.*.linear\n")
    out = tmp_path / "out"
    options = ["--names", str(tmp_path / "names.yaml"), "--weights", "ema"]
    result = CliRunner().invoke(app, ["import", str(tmp_path / "a.ckpt"), str(out), *options])
    assert result.exit_code == 0, result.stderr
    assert load_file(out / "model.safetensors").keys() == {"block.0.linear.weight", "block.0.linear.bias"}
    assert "from a.ckpt" in result.stdout


class Tied(nn.Module):
    """Two layers that share a weight."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(3, 3), nn.Linear(3, 3, bias=False)
        self.other.weight = self.one.weight


def test_weights_that_fill_the_model_are_taken_once_and_the_rest_is_listed():
    weights = {"other.weight": torch.ones(3, 3), "one.bias": torch.ones(3), "head.bias": torch.ones(2)}
    found = fit(weights, Tied(), Path("a.pt"))
    assert found.tensors.keys() == {"one.weight", "one.bias"}
    assert found.left_over == ("head.bias [2]",)


def test_weights_that_do_not_fit_are_listed():
    shapes = {"one.weight": (3, 4), "extra.weight": (1,)}
    with pytest.raises(ValueError, match="a.pt does not fit the config") as refused:
        fit({name: torch.ones(shape) for name, shape in shapes.items()}, Tied(), Path("a.pt"))
    assert "one.weight is [3, 4], the config needs [3, 3]" in str(refused.value)
    assert "one.bias [3] is missing" in str(refused.value)
    assert "the model does not have:\n  extra.weight [1]" in str(refused.value)


def test_shared_weights_that_differ_are_refused():
    weights = {"one.weight": torch.ones(3, 3), "other.weight": torch.zeros(3, 3), "one.bias": torch.ones(3)}
    with pytest.raises(ValueError, match="other.weight differs from one.weight"):
        fit(weights, Tied(), Path("a.pt"))


def test_safetensors_are_read_and_layers_that_no_file_holds_are_made(tmp_path):
    save_file({"trunk.weight": torch.full((2, 2), 3.0)}, tmp_path / "model.safetensors")
    (tmp_path / "vocab.txt").write_text("[PAD]\n[MASK]\n")
    new = Conversion(zeros={"head.bias": [2]}, ones={"head.scale": [2]}, identities={"head.map": 2})
    convert(tmp_path / "model.safetensors", tmp_path / "out", new)
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert found.keys() == {"trunk.weight", "head.bias", "head.scale", "head.map"}
    assert torch.equal(found["head.map"], torch.eye(2))
    assert (found["head.bias"].tolist(), found["head.scale"].tolist()) == ([0, 0], [1, 1])
    assert (tmp_path / "out" / "vocab.txt").read_text() == "[PAD]\n[MASK]\n"
