"""A disk that is full: whatever was there stays, nothing is half there, and the user is told in a sentence."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

import numpy as np
import pytest
import torch
from small_worlds import random_queries, transformer
from synthetic_traces import Row, commit, record
from user_extensions import Net

from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.runs.cached_sampler import CachedSampler
from adaptive_diffusion.runs.stages.resuming import States
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.storage.checkpoint import load_checkpoint, save_checkpoint
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.storage.importing.convert import Conversion, convert
from adaptive_diffusion.storage.importing.names import Names
from adaptive_diffusion.training.rollouts import Rollouts

ROOM = 2000
"""Bytes that a file may have, which the system refuses as a full disk does."""
WEIGHTS = {"_target_": "user_extensions.Net", "width": 40}


@contextmanager
def full_disk() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def large_trace(place):
    rng = np.random.default_rng(0)
    rows = [Row([-1], [[commit(0, int(rng.integers(9**9)), rng.random())]], query=query) for query in range(600)]
    record(place, rows)


def imported(folder):
    torch.save({"a": torch.rand(1000)}, folder.path.parent / "legacy.ckpt")
    with full_disk():
        convert(folder.path.parent / "legacy.ckpt", folder.file("imported"), Conversion(None, Names({})))


def rollouts(folder):
    columns = {item.name: torch.zeros(1000) for item in fields(Rollouts)}
    Rollouts(**columns).save(folder.file("rollouts.safetensors"))


WRITERS = {
    "checkpoint": lambda folder: save_checkpoint(folder.file("a.safetensors"), Net(40), WEIGHTS),
    "state": lambda folder: States([]).save_checkpoint({"a": torch.rand(1000)}, folder.file("last.ckpt")),
    "answers": lambda folder: CachedSampler(Sampler(transformer()), folder, "d").sample(random_queries(99, 9, 5)),
    "json": lambda folder: folder.write_json("a.json", list(range(1000))),
    "rollouts": rollouts,
    "trace": lambda folder: large_trace(folder.file("trace")),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_nothing_is_half_there(tmp_path, writer):
    raises = pytest.raises(OSError, match=r"File too large|cannot be written")
    with RunFolder(tmp_path) as folder, raises, full_disk():
        WRITERS[writer](folder)
    left = [path.name for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]
    assert [name for name in left if not name.startswith(".")] == []


def test_import_that_found_no_room_leaves_nothing(tmp_path):
    with RunFolder(tmp_path / "run") as folder, pytest.raises(OSError, match="model.safetensors cannot be written"):
        imported(folder)
    assert not folder.file("imported").exists()


def test_a_trace_that_found_no_room_is_refused(tmp_path):
    with pytest.raises(OSError, match="File too large"), full_disk():
        large_trace(tmp_path)
    with pytest.raises(ValueError, match="holds no trace|unfinished"):
        read_trace(tmp_path)


def test_the_checkpoint_that_was_there_stays(tmp_path):
    net = Net(4)
    save_checkpoint(tmp_path / "a.safetensors", net, {"_target_": "user_extensions.Net", "width": 4})
    with pytest.raises(OSError, match="a.safetensors"), full_disk():
        save_checkpoint(tmp_path / "a.safetensors", Net(40), WEIGHTS)
    back = load_checkpoint(tmp_path / "a.safetensors", ["user_extensions"])
    assert torch.equal(back.first.weight, net.first.weight)
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]
