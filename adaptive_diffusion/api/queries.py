"""Queries from a file."""

import warnings
from dataclasses import replace
from pathlib import Path

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.task import Task


def read_queries(path: Path | str, task: Task, skip_bad: bool = False) -> Queries:
    """The queries of a file, numbered from 0 in its order.

    Args:
        path: a file in a form that the task reads.
        task: such as the `task` of a loaded model.
        skip_bad: leave out what cannot be read instead of raising.

    Warns:
        UserWarning: what was left out, and what the task has to say about the file.

    Raises:
        ValueError: a file that cannot be read, or without a query.
    """
    file = task.read(Path(path), skip_bad)
    for sentence in file.remarks:
        warnings.warn(sentence, stacklevel=2)
    if not len(file.problems):
        raise ValueError(f"{path} holds no query that can be used")
    return replace(task.queries(file.problems), layout=task.layout)
