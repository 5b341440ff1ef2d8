"""Training, validation and test: which one a problem belongs to, by a hash of a form that its images share."""

import numpy as np

SPLITS = ("train", "validation", "test")
STARTS = (80, 90)
"""Per cent of the hash values: where validation and test begin."""


def index_of(split: str) -> int:
    """The number of a split's name; raises ``ValueError`` for an unknown name."""
    if split not in SPLITS:
        raise ValueError(f"no split called {split!r}; choose one of {', '.join(SPLITS)}")
    return SPLITS.index(split)


def share_of(split: str) -> tuple[int, int]:
    """A split's hash values mod 100, from the first to below the second; raises ``ValueError`` for an unknown name."""
    bounds = 0, *STARTS, 100
    index = index_of(split)
    return bounds[index], bounds[index + 1]


def splits_of(words: np.ndarray) -> np.ndarray:
    """The split of problems by their hashes uint64 [N], an index into ``SPLITS``, int64 [N]: about 80, 10 and 10%."""
    return np.searchsorted(STARTS, (words % np.uint64(100)).astype(np.int64), side="right")
