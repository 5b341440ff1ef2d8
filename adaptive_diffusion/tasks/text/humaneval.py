"""Files of HumanEval-Infilling (Bavarian et al. 2022, arXiv 2207.14255): code with a gap, and tests of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

from torch import Tensor

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.tasks.lines import read_text
from adaptive_diffusion.tasks.task import Task
from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems
from adaptive_diffusion.tasks.text.query_files import TooLongError, infilling_problem, json_object
from adaptive_diffusion.tasks.text.task import TextTask

TESTS = "test", "entry_point"


@dataclass(frozen=True)
class HumanEvalRows:
    """The rows of a file that fit the sequence of a task of text.

    Attributes:
        task: whose tokens the problems have.
        rows: R rows, each with `prompt`, `canonical_solution` and, where there is one, `suffix`.
        problems: the gap of each row, as long as its solution.
        too_long: rows that do not fit.
    """

    task: TextTask
    rows: Sequence[Mapping[str, Any]]
    problems: Sequence[InfillingProblems]
    too_long: int

    def __len__(self) -> int:
        return len(self.rows)

    def spaced(self, count: int) -> "HumanEvalRows":
        """At most `count` rows, evenly spaced."""
        places = [place * len(self) // count for place in range(min(count, len(self)))]
        rows, problems = [self.rows[place] for place in places], [self.problems[place] for place in places]
        return HumanEvalRows(self.task, rows, problems, self.too_long)

    def queries(self) -> Queries:
        """The rows as queries, numbered from 0."""
        return self.task.queries(InfillingProblems.concatenate([*self.problems]))

    def written(self, answers: Tensor) -> list[str]:
        """What stands in the gaps of answers, tokens [R, L]."""
        decode = self.task.tokenizer.decode
        return [
            decode(compress(tokens, problem.editable[0])).decode("utf-8", "replace")
            for tokens, problem in zip(answers.tolist(), self.problems, strict=True)
        ]


def read_humaneval(path: Path, task: Task, with_tests: bool) -> HumanEvalRows:
    """The rows of a `.jsonl` file, which may be compressed by gzip.

    Args:
        path: of the file.
        task: of the model that is to answer.
        with_tests: each row must have `test` and `entry_point` too.

    Raises:
        ValueError: a task that is not of text, a line that is not such a row, or a file without a row that fits.
    """
    if not isinstance(task, TextTask):
        raise ValueError(
            f"{task.name} is not text; HumanEval-Infilling needs a model of text, such as the one named text"
        )
    rows, problems, too_long = [], [], 0
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json_object(line)
            if with_tests and (missing := [name for name in TESTS if not isinstance(row.get(name), str)]):
                raise ValueError(f"there is no text under {' and '.join(missing)}, so no test can be run")
            problems.append(infilling_problem(row, task.tokenizer, task.length))
            rows.append(row)
        except TooLongError:
            too_long += 1
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    if not rows and not too_long:
        raise ValueError(f"{path} holds no row; give a file of HumanEval-Infilling")
    if not rows:
        raise ValueError(f"{path}: none of its {too_long} rows fits {task.length} tokens; use a model of longer texts")
    return HumanEvalRows(task, rows, problems, too_long)
