"""Whether a task does what its port says, tried on a few of its own problems."""

from collections.abc import Mapping

import torch
from torch import Tensor

from adaptive_diffusion.tasks.data import TaskData
from adaptive_diffusion.tasks.task import Correctness, Task

TRIED = 16


def check_task(data: TaskData) -> None:
    """Tries a task on a few training problems, so that it is not refused, or found to be never right, after a training.

    Training problems, because held-out ones are made all at once, which may take a minute.

    Raises:
        ValueError: shapes, tokens or kinds of values other than `Task` promises, no right answers, or right answers
            that `verify` holds to be wrong.
    """
    task, problems = data.task, data.training(0, TRIED)
    rows, difficulty = len(problems), task.difficulty(problems)
    if rows != TRIED:
        raise ValueError(f"{type(data).__name__}.training(0, {TRIED}) gave {rows} problems; it must give {TRIED}")
    batch = data.batch(problems)
    _check_shape(task, "queries(problems).tokens", batch.queries.tokens, (rows, task.length))
    _check_shape(task, "targets(problems)", batch.clean, (rows, task.length))
    for measure in task.difficulties:
        _check_shape(task, f"difficulty(problems)[{measure.name!r}]", _named(task, measure.name, difficulty), (rows,))
    low, high = int(batch.clean.min()), int(batch.clean.max())
    if low < 0 or high >= task.vocabulary:
        raise ValueError(
            f"{task.name} has {task.vocabulary} tokens, 0…{task.vocabulary - 1}, but targets(problems) holds tokens "
            f"from {low} to {high}; give the task a vocabulary of {high + 1}"
        )
    _check_verify(task, batch.clean, problems)


def _check_verify(task: Task, targets: Tensor, problems: object) -> None:
    found = task.verify(targets, problems)
    if not isinstance(found, Correctness):
        raise ValueError(f"{task.name}: verify returned a {type(found).__name__}; it must return a Correctness")
    for name in ("exact", "valid"):
        value = getattr(found, name)  # its shape is checked by `grades`
        if value.dtype != torch.bool:
            raise ValueError(f"{task.name}: verify(answers, problems).{name} is {value.dtype}; it must be torch.bool")
    if (task.grades(targets, problems)["correct"] == 0).all():
        raise ValueError(
            f"{task.name}: verify finds none of {len(targets)} right answers correct, which targets(problems) gave; "
            f"make the two agree on what is {task.headline}"
        )


def _check_shape(task: Task, name: str, value: Tensor, shape: tuple[int, ...]) -> None:
    if tuple(value.shape) != shape:
        raise ValueError(
            f"{task.name}: {name} has the shape {list(value.shape)} for {shape[0]} problems; it must be {list(shape)}"
            + (", because the task's length is " + str(shape[1]) if len(shape) > 1 else "")
        )


def _named(task: Task, name: str, difficulty: Mapping[str, Tensor]) -> Tensor:
    if name not in difficulty:
        there = ", ".join(difficulty) or "nothing"
        raise ValueError(f"{task.name} declares the difficulty {name!r}, but difficulty(problems) gives: {there}")
    return difficulty[name]
