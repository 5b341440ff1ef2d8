"""Answers of samplers in a file."""

from pathlib import Path

import numpy as np
import pytest

from adaptive_diffusion.evaluation.answers import ScoredAnswers, read_answers, write_answers


def test_answers_are_read_as_they_were_written(tmp_path: Path) -> None:
    query = np.array([3, 1, 2])
    written = [
        ScoredAnswers("fixed_4", "fixed", query, np.array([4, 4, 4]), np.array([1.0, 0.0, 0.5])),
        ScoredAnswers("a 0.5", "a", query, np.array([1.5, 2, 3]), np.array([0.0, 0.0, 1.0])),
    ]
    write_answers(tmp_path / "answers.parquet", written)
    for one, again in zip(written, read_answers(tmp_path / "answers.parquet"), strict=True):
        assert (again.name, again.family) == (one.name, one.family)
        for column in ("query", "nfe", "quality"):
            assert np.array_equal(getattr(again, column), getattr(one, column))


def test_file_without_answers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(ValueError, match="holds no answers"):
        read_answers(tmp_path / "text.parquet")
