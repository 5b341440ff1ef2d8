"""HumanEval-Infilling (Bavarian et al. 2022, arXiv 2207.14255) as an evaluation of a model of text.

    python -m benchmarks.humaneval_infilling RUN HumanEval-SingleLineInfilling.jsonl.gz --sampler mdlm

Each row has `prompt`, `suffix`, `canonical_solution`, and for the tests `test` and `entry_point`. The length of the
solution is given. An answer is exact where it is the solution to the byte. With --run-tests it is also run with its
tests, in a process with limits of time and memory; that executes what the model wrote, so run it where this may do no
harm. An answer of blanks scores 0 in both.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import Any

import torch
from scipy.stats import binomtest

from adaptive_diffusion.evaluation.program_tests import ProgramLimits, passes
from adaptive_diffusion.runs.trained_model import TrainedModel, load_trained_model
from adaptive_diffusion.tasks.lines import read_text

TEXTS = "prompt", "suffix", "canonical_solution"


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file, which may be compressed by gzip.

    Raises:
        ValueError: a line that is no object with the texts of a problem.
    """
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}, line {number} is no JSON object: {error}") from error
        missing = [name for name in TEXTS if not (isinstance(row, dict) and isinstance(row.get(name), str))]
        if missing:
            raise ValueError(f"{path}, line {number} has no text under {', '.join(missing)}")
        rows.append(row)
    return rows


def fitting(rows: Sequence[Mapping[str, Any]], task: Any) -> list[Mapping[str, Any]]:
    """Those whose texts fit the model's sequence."""
    sizes = [sum(len(task.tokenizer.encode(row[name].encode())) for name in TEXTS) for row in rows]
    return [row for row, size in zip(rows, sizes, strict=True) if size <= task.length]


def answers(trained: TrainedModel, rows: Sequence[Mapping[str, Any]], sampler: str, seed: int) -> tuple[list[str], Any]:
    """What the model writes between prompt and suffix of each row, and its forwards."""
    task: Any = trained.task
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        file.write_text("\n".join(json.dumps({name: row[name] for name in TEXTS}) for row in rows))
        problems = task.read(file, False).problems
    with torch.inference_mode():
        result = trained.sampler(sampler).sample(task.queries(problems), seed=seed)
    written = [
        task.tokenizer.decode(compress(row, opened)).decode("utf-8", "replace")
        for row, opened in zip(result.answers.tolist(), problems.editable, strict=True)
    ]
    return written, result.nfe


def scores(rows: Sequence[Mapping[str, Any]], written: Sequence[str], limits: ProgramLimits | None) -> dict[str, Any]:
    """The share of exact answers and, with limits, of those that pass their tests, with intervals over rows."""
    exact = [
        answer == row["canonical_solution"] and bool(answer.strip()) for row, answer in zip(rows, written, strict=True)
    ]
    found = {"exact": share(exact)}
    if limits is not None:
        passed = [
            bool(answer.strip()) and passes(program(row, answer), limits)
            for row, answer in zip(rows, written, strict=True)
        ]
        found["passed"] = share(passed)
    return found


def share(right: Sequence[bool]) -> dict[str, float]:
    """The share of answers that are right with its 95% interval (Wilson 1927), which is wide where rows are few, also
    where no answer is right."""
    test = binomtest(sum(right), len(right))
    low, high = test.proportion_ci(method="wilson")
    return {"value": float(test.statistic), "low": float(low), "high": float(high)}


def program(row: Mapping[str, Any], answer: str) -> str:
    """The program of an answer and its tests."""
    return f"{row['prompt']}{answer}{row['suffix']}\n{row['test']}\ncheck({row['entry_point']})\n"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="a run folder, a checkpoint or the name of a model")
    parser.add_argument("file", type=Path)
    parser.add_argument("--sampler", default="confidence")
    parser.add_argument("--rows", type=int, help="only so many, evenly spaced")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run-tests", action="store_true", help="execute the answers with their tests")
    parser.add_argument("--seconds", type=int, default=5, help="for the tests of an answer")
    chosen = parser.parse_args(arguments)
    trained = load_trained_model(chosen.source)
    try:
        every = rows_of(chosen.file)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    rows = fitting(every, trained.task)
    if not rows:
        length = trained.task.length  # type: ignore[attr-defined]
        raise SystemExit(f"none of the {len(every)} rows fits the {length} tokens of {chosen.source}")
    left_out = len(every) - len(rows)
    if chosen.rows is not None:
        rows = [rows[place * len(rows) // chosen.rows] for place in range(min(chosen.rows, len(rows)))]
    written, nfe = answers(trained, rows, chosen.sampler, chosen.seed)
    limits = ProgramLimits(seconds=chosen.seconds) if chosen.run_tests else None
    found = {
        "rows": len(rows),
        "too_long": left_out,
        "forwards": nfe.double().mean().item(),
        **scores(rows, written, limits),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
