"""Weights and config travel in one file; an untrusted file is refused with a sentence and runs nothing."""

import json
import struct

import pytest
import torch
from safetensors.torch import save_file
from user_extensions import Net

from adaptive_diffusion.storage.checkpoint import LARGEST_HEADER, load_checkpoint, read_header, save_checkpoint

ALLOW = ["user_extensions"]
NET = "user_extensions.Net"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.safetensors"


def forge(path, config, tensors=None, about="{}", form="adaptive-diffusion/1"):
    text = config if isinstance(config, str) else json.dumps(config)
    tensors = Net().state_dict() if tensors is None else tensors
    save_file(
        {name: tensor.clone() for name, tensor in tensors.items()},
        path,
        {"format": form, "config": text, "about": about},
    )


@pytest.mark.parametrize("tied", [False, True])
def test_a_module_comes_back_as_it_was(path, tied):
    net = Net(5, tied)
    net.count.fill_(7)
    save_checkpoint(path, net, {"_target_": NET, "width": 5, "tied": tied}, {"steps": 12})
    back = load_checkpoint(path, ALLOW)
    assert not back.training
    assert back.count == 7
    for name, tensor in net.state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor)
    assert torch.equal(back.table, net.table)
    assert (back.second.weight is back.first.weight) == tied
    assert read_header(path).about == {"steps": 12}


def test_loading_leaves_the_random_numbers_alone(path):
    save_checkpoint(path, Net(), {"_target_": NET})
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    load_checkpoint(path, ALLOW)
    assert torch.equal(torch.rand(3), expected)


def test_a_compiled_module_is_saved_without_its_wrapping(path):
    wrapped = torch.nn.Module()
    wrapped._orig_mod = Net()  # as torch.compile does
    save_checkpoint(path, wrapped, {"_target_": NET})
    assert load_checkpoint(path, ALLOW).count == 0


def test_an_interruption_leaves_the_old_checkpoint(path, monkeypatch):
    net = Net()
    save_checkpoint(path, net, {"_target_": NET})

    def dies(module, file, metadata):
        with open(file, "w") as half:
            half.write("half")
        raise KeyboardInterrupt

    monkeypatch.setattr("adaptive_diffusion.storage.checkpoint.save_model", dies)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, Net(), {"_target_": NET})
    assert torch.equal(load_checkpoint(path, ALLOW).first.weight, net.first.weight)


def test_a_config_without_a_target_is_not_saved(path):
    with pytest.raises(ValueError, match="_target_"):
        save_checkpoint(path, Net(), {"width": 3})
    assert not path.exists()


@pytest.mark.parametrize(
    "config",
    [
        {"_target_": "os.system", "command": "touch owned"},
        {"_target_": "builtins.eval", "_args_": ["open('owned', 'w')"]},
        {"_target_": "pathlib.Path.write_text", "_args_": [{"_target_": "pathlib.Path", "_args_": ["owned"]}, "x"]},
        {"_target_": "subprocess.run", "args": ["touch", "owned"]},
        {"_target_": "torch.load", "f": "owned"},
        {"_target_": NET, "width": {"_target_": "os.mkdir", "path": "owned"}},
        {"_target_": NET, "width": {"_target_": "adaptive_diffusion.storage.folder.RunFolder", "path": "owned"}},
        {"_target_": NET, "width": {"_target_": "adaptive_diffusion.core.trace.TraceWriter", "folder": "owned"}},
        {"_target_": "adaptive_diffusion.storage.folder.os.mkdir", "path": "owned"},
        {"_target_": "adaptive_diffusion.config.compose", "experiment": "quickstart"},
        {"_target_": "user_extensions.not_a_module"},
        {"_target_": "user_extensions.nn.Linear", "in_features": 1, "out_features": 1},
        {"_target_": NET, "width": "${oc.env:HOME}"},
        {"_target_": NET, "width": "${tied}", "tied": 3},
        {"_target_": NET, "widht": 3},
        {"_target_": NET, "width": "wide"},
        {"_target_": NET, "width": -1},
        {"_target_": NET, "width": 10**5},
        {"_target_": NET, "width": 10**7},
        {"width": 3},
        {},
        [],
        7,
        "not json",
        "[" * 100_000,
        '{"_target_": {"a": ' * 1000 + "1" + "}}" * 1000,
    ],
    ids=lambda config: str(config)[:60],
)
def test_a_hostile_config_is_refused_and_does_nothing(path, tmp_path, monkeypatch, config):
    monkeypatch.chdir(tmp_path)
    forge(path, config)
    with pytest.raises(ValueError, match="net.safetensors"):
        load_checkpoint(path, ALLOW)
    assert [file.name for file in tmp_path.iterdir()] == ["net.safetensors"]


def test_a_class_of_a_module_that_is_not_allowed_is_refused(path):
    save_checkpoint(path, Net(), {"_target_": NET})
    with pytest.raises(ValueError, match="--allow-module user_extensions"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"first.weight": torch.zeros(3, 4)}, r"'first.weight' is \[3, 4\] in the file and \[3, 3\] by the config"),
        ({"unexpected": torch.zeros(1)}, "'unexpected' is in the file only"),
        ({"first.bias": None}, "'first.bias' is missing"),
        ({"count": torch.zeros(())}, "other types of numbers"),
        ({"first.weight": torch.zeros(3, 3, dtype=torch.long)}, "other types of numbers"),
    ],
)
def test_tensors_that_do_not_fit_the_config_are_named(path, change, sentence):
    tensors = {name: tensor for name, tensor in (Net().state_dict() | change).items() if tensor is not None}
    forge(path, {"_target_": NET}, tensors)
    with pytest.raises(ValueError, match=sentence):
        load_checkpoint(path, ALLOW)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 100, -1])
def test_a_truncated_file_is_refused(path, length):
    save_checkpoint(path, Net(), {"_target_": NET})
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(path, ALLOW)


@pytest.mark.parametrize("announced", [2**63, 2**64 - 1, LARGEST_HEADER + 1])
def test_an_absurd_header_length_is_refused(path, announced):
    with path.open("wb") as file:
        file.write(struct.pack("<Q", announced))
        file.truncate(LARGEST_HEADER + 100)
    with pytest.raises(ValueError, match="net.safetensors"):
        read_header(path)


def test_rubbish_pickles_and_foreign_weights_are_refused(path, tmp_path):
    path.write_bytes(b"rubbish" * 100)
    with pytest.raises(ValueError, match="damaged"):
        read_header(path)
    torch.save({"a": 1}, path)
    with pytest.raises(ValueError, match="is a pickle"):
        read_header(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="its format is None"):
        read_header(path)
    forge(path, {"_target_": NET}, form="adaptive-diffusion/99")
    with pytest.raises(ValueError, match="adaptive-diffusion/99"):
        read_header(path)
    with pytest.raises(ValueError, match="There is no checkpoint"):
        read_header(tmp_path / "nothing.safetensors")
