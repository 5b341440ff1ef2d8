"""Rows of Hugging Face data sets (the extra `datasets`)."""

from typing import Any


def hugging_face_rows(name: str, split: str, configuration: str | None = None) -> Any:
    """The rows of a split, loaded without running any code of the data set.

    Raises:
        ModuleNotFoundError: the extra is not installed.
        ValueError: a data set, configuration or split that cannot be loaded.
    """
    try:
        from datasets import load_dataset  # pyright: ignore[reportMissingImports]
        from datasets.exceptions import DatasetsError  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the data set {name!r} needs datasets: pip install 'adaptive-diffusion[datasets]'"
        ) from error
    try:
        return load_dataset(name, configuration, split=split)
    except (DatasetsError, ValueError, OSError) as error:
        raise ValueError(f"the data set {name!r} with the split {split!r} cannot be loaded: {error}") from error
