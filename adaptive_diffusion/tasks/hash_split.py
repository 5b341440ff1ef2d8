"""Splits by hash: which problems are for training, which for validation and which for test."""

SPLITS = {"train": (0, 80), "validation": (80, 90), "test": (90, 100)}
"""Per cent of the hash values of a problem that belong to each split: first and last plus one."""


def share_of(split: str) -> tuple[int, int]:
    """The hash values mod 100 of a split.

    Raises:
        ValueError: an unknown split.
    """
    if split not in SPLITS:
        raise ValueError(f"no split called {split!r}; choose one of {', '.join(SPLITS)}")
    return SPLITS[split]


def stream_of(split: str) -> int:
    """The number of a split's random stream."""
    return list(SPLITS).index(split)
