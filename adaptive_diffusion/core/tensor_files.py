"""Writing of safetensors files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError


@contextmanager
def tensors_written(path: Path) -> Iterator[None]:
    """Around a call that writes tensors to `path`: what the system refuses, such as a full disk, is an `OSError` as for
    any other file, and no error of safetensors."""
    try:
        yield
    except SafetensorError as error:
        raise OSError(f"{path} cannot be written: {error}") from error
