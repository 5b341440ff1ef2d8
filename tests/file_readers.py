"""What the reader of every task must do with bad files."""

from pathlib import Path

import pytest

from adaptive_diffusion.tasks.task import QueryFile, Task


def named_and_skipped(task: Task, path: Path, line: int, reason: str) -> QueryFile:
    """Checks that a file's one bad problem is refused with its line, the reason and the remedy. Returns what is read
    without it."""
    with pytest.raises(ValueError, match="--skip-bad") as error:
        task.read(path, skip_bad=False)
    assert f"line {line}: {reason}" in str(error.value)
    file = task.read(path, skip_bad=True)
    assert [sentence.startswith(f"line {line}: {reason}") for sentence in file.skipped] == [True]
    return file


def read_or_refused(task: Task, path: Path, content: str | bytes) -> None:
    """Checks that a file of any content is refused with a `ValueError`, or read as problems with a right target."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        problems = task.read(path, skip_bad=True).problems
    except ValueError:
        return
    targets = task.targets(problems)
    assert targets is not None
    assert task.correct(targets, problems).all()
