"""A small config folder and a module of a user, written anew for every test."""

import sys

import pytest

from adaptive_diffusion.config import ConfigSearch

FILES = {
    "config.yaml": "defaults:\n  - _self_\n  - order: margin\n"
    "seed: 0\nwidth: 32\ndenoiser:\n  depth: 4\n  width: ${width}\nqueries: 100\n",
    "order/margin.yaml": "_target_: adaptive_diffusion.core.schedule.Linear\n",
    "order/random.yaml": "_target_: adaptive_diffusion.core.schedule.Cosine\nseed: 3\n",
    "sampler/threshold_0.9.yaml": "pace:\n  threshold: 0.9\n",
    "experiment/quickstart.yaml": "# @package _global_\ndefaults:\n  - override /order: random\nqueries: 7\n",
}

USER_MODULE = """
from os import system
from pathlib import Path


class Net:
    def __init__(self, width, inner=None, path=None):
        if width == 13:
            raise ValueError("width 13 is unlucky")
        self.width, self.inner = width, inner

    def grow(self, by=1):
        return self

    @classmethod
    def small(cls):
        return cls(1)


class Loose:
    def __init__(self, *sizes: int, depth: int = None, **more: float):
        self.depth = depth


class Passing:
    def __init__(self, **more):
        Net(1, **more)


def build(width):
    return Net(width)


instance = Net(3)
"""


@pytest.fixture
def folder(tmp_path):
    """A search in this folder alone."""
    for name, text in FILES.items():
        file = tmp_path / "configs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return ConfigSearch((tmp_path / "configs",))


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    (tmp_path / "house_of_a_user.py").write_text(USER_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "house_of_a_user"
    sys.modules.pop("house_of_a_user", None)
