"""What samplers are compared by: the cost, the quality and further figures of each answer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from adaptive_diffusion.core.trace import Trace
from adaptive_diffusion.core.trace_header import TraceHeader


@dataclass(frozen=True)
class ScoredAnswers:
    """One sampler at one setting: the cost and the quality of each of R answers.

    Attributes:
        name: of the sampler.
        family: samplers of one family are settings of one rule.
        query: ids [R].
        nfe: forwards [R].
        quality: float [R] in 0..1, the answer's score, or 1 for a correct answer and 0 for another one; NaN where
            nothing decides.
    """

    name: str
    family: str
    query: np.ndarray
    nfe: np.ndarray
    quality: np.ndarray

    @property
    def judged(self) -> bool:
        """Whether the quality of every answer is known."""
        return not np.isnan(self.quality).any()

    @classmethod
    def of(cls, trace: Trace) -> "ScoredAnswers":
        """The answers of a trace."""
        return cls.of_rows(trace.header, trace.rows)

    @classmethod
    def of_rows(cls, header: TraceHeader, rows: pa.Table) -> "ScoredAnswers":
        """The answers of the rows of a trace."""
        query, nfe = (rows[column].to_numpy() for column in ("query", "nfe"))
        quality = answer_quality(header, rows).fill_null(np.nan).to_numpy()
        return cls(header.sampler, header.family, query, nfe, quality)


def answer_quality(header: TraceHeader, rows: pa.Table) -> pa.ChunkedArray:
    """The score of each answer where the task's headline is a score, else 1 for a correct answer and 0 for another one,
    float64 [R]; null where nothing decides."""
    return rows["score" if header.headline == "score" else "correct"].cast(pa.float64())


COLUMNS = {
    "correct": "correct",
    "exact": "exact",
    "valid": "valid",
    "score": "score",
    "nfe_mean": "nfe",
    "revisions_mean": "revisions",
    "rewrites_mean": "rewrites",
}
"""Names of means in a summary row, and the columns of a trace they are means of."""


@dataclass(frozen=True)
class QueryFigures:
    """Figures of each of N queries, the mean over its variations, in ascending order of their ids.

    Attributes:
        query: ids [N].
        figures: [N] each, by the names that the means have in a summary row; those that are known for every query.
    """

    query: np.ndarray
    figures: Mapping[str, np.ndarray]

    @classmethod
    def of_rows(cls, rows: pa.Table) -> "QueryFigures":
        """The figures of the rows of a trace."""
        query, row, count = np.unique(rows["query"].to_numpy(), return_inverse=True, return_counts=True)
        known = {name: rows[column] for name, column in COLUMNS.items() if not rows[column].null_count}
        means = {name: np.bincount(row, weights=values.to_numpy()) / count for name, values in known.items()}
        return cls(query, means)
