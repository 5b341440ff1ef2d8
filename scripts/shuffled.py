"""A plugin of pytest: files in random order, and the tests of each file in random order, by the seed in `SHUFFLED`.

PYTHONPATH=scripts SHUFFLED=3 pytest -p shuffled

Tests of one file stay together, because fixtures of a file, such as a trained model, would be made again and again.
"""

import os
import random
from typing import Any


def shuffled(items: list[Any], seed: str) -> list[Any]:
    """Test items in the order of a seed."""
    draw, files = random.Random(seed), {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    groups = list(files.values())
    draw.shuffle(groups)
    for group in groups:
        draw.shuffle(group)
    return [item for group in groups for item in group]


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Reorders in place, as pytest wants it."""
    items[:] = shuffled(items, os.environ["SHUFFLED"])


def pytest_report_header() -> str:
    return f"shuffled by the seed {os.environ['SHUFFLED']}"
