"""What samplers are compared by: the cost and the quality of each answer."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from adaptive_diffusion.core.trace import Trace


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
        query, nfe = (trace.rows[column].to_numpy() for column in ("query", "nfe"))
        quality = answer_quality(trace).fill_null(np.nan).to_numpy()
        return cls(trace.header.sampler, trace.header.family, query, nfe, quality)


def answer_quality(trace: Trace) -> pa.ChunkedArray:
    """The score of each answer where the task's headline is a score, else 1 for a correct answer and 0 for another one,
    float64 [R]; null where nothing decides."""
    return trace.rows["score" if trace.header.headline == "score" else "correct"].cast(pa.float64())
