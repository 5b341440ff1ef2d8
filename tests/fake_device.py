"""A device that is not there: tensors that report `meta` as their device and compute on the CPU.

Mixing them with tensors of the CPU fails, as on a GPU, and so does reading them with numpy. With it the tests find code
that makes tensors on the wrong device on machines without a GPU.
"""

from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

TENSOR = torch.tensor
DEVICE = torch.device("meta")
CPU = torch.device("cpu")
#: Operators that move data between devices; and indexing, whose indices may be on the CPU.
MOVES = ("aten._to_copy", "aten.copy_", "aten.to.")
TAKES = ("aten.index.Tensor", "aten.index_put")


class OnFake(Tensor):
    """A tensor of the fake device around one of the CPU."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner):
        with torch.inference_mode(False), torch.no_grad():
            made = Tensor._make_wrapper_subclass(
                cls, inner.shape, dtype=inner.dtype, device=DEVICE, strides=inner.stride()
            )
        made.inner = inner
        return made

    def tolist(self):
        return self.inner.tolist()

    def __repr__(self):
        return f"OnFake({self.inner!r})"

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return run(function, args, kwargs or {})


class FakeDevice(TorchDispatchMode):
    """Makes tensors on the fake device where `device=` asks for it."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return run(function, args, kwargs or {})


@contextmanager
def fake_device():
    """While it lasts, `DEVICE` is a device that computes."""
    with FakeDevice(), patch("torch.tensor", tensor):  # torch.tensor makes tensors of `meta` past every operator
        yield DEVICE


def tensor(data, dtype=None, device=None):
    return TENSOR(data, dtype=dtype).to(CPU if device is None else device)


def run(function, args, kwargs):
    """Calls an operator on the tensors inside, and wraps what it gives where that is on the fake device."""
    name = str(function)
    flat, _ = tree_flatten((args, kwargs))
    fake = [one for one in flat if isinstance(one, OnFake)]
    on_cpu = [one for one in flat if isinstance(one, Tensor) and not isinstance(one, OnFake) and one.dim()]
    named = [one for one in flat if isinstance(one, torch.device)]
    if fake and on_cpu and not name.startswith(MOVES + TAKES):
        raise RuntimeError(f"{name}: expected all tensors on one device, found {DEVICE} and {CPU}")
    inside_args, inside_kwargs = tree_map(inside, (args, kwargs))
    with torch.inference_mode(False), torch.no_grad():
        found = function(*inside_args, **inside_kwargs)
    if writes_first(function):
        return args[0]
    lands = bool(fake)
    if named:
        lands = named[0] == DEVICE
    elif name.startswith("aten.to.other"):
        lands = isinstance(args[1], OnFake)
    return tree_map(lambda one: OnFake(one) if isinstance(one, Tensor) and lands else one, found)


def inside(value):
    """The tensor of the CPU in one of the fake device; the CPU where the fake device is named."""
    if isinstance(value, OnFake):
        return value.inner
    return CPU if isinstance(value, torch.device) and value == DEVICE else value


def writes_first(function):
    """Whether the operator writes into its first argument and returns it."""
    returns = function._schema.returns
    return bool(returns and returns[0].alias_info is not None and returns[0].alias_info.is_write)
