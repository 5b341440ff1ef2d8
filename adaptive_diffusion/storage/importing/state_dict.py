"""The weights in what a checkpoint holds."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from adaptive_diffusion.storage.importing.pickled import DEEPEST, Inert, content

NEARLY_AS_LARGE = 0.5
OPTIMISER = "optimizer"  # in the keys of what a model was trained with


def weights_of(held: Any, key: str | None = None) -> tuple[str, dict[str, Tensor]]:
    """The state dict of a checkpoint and the key where it stands (`""` for a file that is nothing else).

    Args:
        held: what `pickled.read_pickled` gives.
        key: where it stands, such as `state_dict` or `ema.model`; None takes the one with the most numbers
            that is no state of an optimiser.

    Raises:
        ValueError: no state dict, several of about one size, or tensors that no model has.
    """
    found = dict(_state_dicts(held, ()))
    if not found:
        raise ValueError("the file holds no state dict, that is, no mapping from names to tensors")
    if key is not None:
        if key not in found:
            raise ValueError(f"the file holds no state dict {key!r}; it holds {_listing(found)}")
        return key, checked(found[key])
    models = {where: tensors for where, tensors in found.items() if OPTIMISER not in where} or found
    sizes = {where: sum(tensor.numel() for tensor in tensors.values()) for where, tensors in models.items()}
    largest = max(sizes, key=lambda where: sizes[where])
    if rivals := [where for where in sizes if where != largest and sizes[where] > NEARLY_AS_LARGE * sizes[largest]]:
        raise ValueError(f"the file holds several state dicts: {_listing([largest, *rivals])}; name one with --weights")
    return largest, checked(found[largest])


def checked(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, each in memory of its own.

    Raises:
        ValueError: a tensor that is sparse, quantised or on no device, that spans more numbers than the file stores for
            it, or holds NaN or infinity.
    """
    return {name: _checked(name, tensor) for name, tensor in tensors.items()}


def _checked(name: str, tensor: Tensor) -> Tensor:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        raise ValueError(f"{name!r} is no dense tensor of numbers, so it cannot be imported")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise ValueError(
            f"{name!r} spans {tensor.numel()} numbers, of which the file stores only "
            f"{tensor.untyped_storage().nbytes() // tensor.element_size()}; the file is damaged or made to fill memory"
        )
    if tensor.is_floating_point() and not tensor.isfinite().all():
        raise ValueError(f"{name!r} holds NaN or infinity; the file is damaged or its training diverged")
    return tensor.detach().clone().contiguous()


def _state_dicts(held: Any, path: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Tensor]]]:
    if len(path) > DEEPEST:
        raise ValueError(f"the file holds containers in each other, more than {DEEPEST} deep")
    if isinstance(held, Inert):
        yield from _state_dicts(content(held), (*path, ""))
    if not isinstance(held, Mapping):
        return
    tensors = {name: one for name, one in held.items() if isinstance(name, str) and torch.is_tensor(one)}
    if tensors:
        yield ".".join(filter(None, path)), tensors
    for name, one in held.items():
        yield from _state_dicts(one, (*path, str(name)))


def _listing(names: Any) -> str:
    shown = [name or "the file itself" for name in names]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")
