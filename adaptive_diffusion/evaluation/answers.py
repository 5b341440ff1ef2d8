"""What samplers are compared by: the cost, the quality and further figures of each answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

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


def write_answers(path: Path, answers: Sequence[ScoredAnswers]) -> None:
    """Writes the answers of several samplers to a Parquet file, a row for each answer."""
    text = pa.dictionary(pa.int32(), pa.string())
    tables = []
    for one in answers:
        count = len(one.query)
        named = {"sampler": pa.array([one.name] * count, text), "family": pa.array([one.family] * count, text)}
        measured = {"nfe": one.nfe.astype(np.float64), "quality": one.quality.astype(np.float64)}
        tables.append(pa.table({**named, "query": one.query, **measured}))
    pq.write_table(pa.concat_tables(tables).unify_dictionaries(), path, compression="zstd")


def read_answers(path: Path) -> list[ScoredAnswers]:
    """The inverse of `write_answers`, samplers in their order.

    Raises:
        ValueError: a file that holds no answers.
    """
    try:
        table = pq.read_table(path, columns=["sampler", "family", "query", "nfe", "quality"])
        sampler = np.array(table["sampler"].to_pylist())
        family = np.array(table["family"].to_pylist())
        columns = [table[name].to_numpy() for name in ("query", "nfe", "quality")]
    except (pa.ArrowException, ValueError, KeyError) as error:
        raise ValueError(f"{path} holds no answers: {error}") from error
    found = []
    for name in dict.fromkeys(sampler.tolist()):
        rows = sampler == name
        found.append(ScoredAnswers(name, str(family[rows][0]), *(column[rows] for column in columns)))
    return found


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
