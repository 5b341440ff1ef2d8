"""Risk control: how boldly may a sampler stop so that it loses hardly anything?

The settings of a rule are tried on n calibration queries, from the one that stops latest to the one that stops
earliest. Each gives the losses of the queries, numbers in [0, 1] such as "made wrong by stopping early". A setting is
certified where a promise about its risk, the expected loss of a new query of the same kind, can be limited:

* `learn_then_test`: with probability at least 1 − α over the calibration queries the risk is at most δ (Angelopoulos et
  al. 2021, arXiv 2110.01052). The null hypotheses "the risk exceeds δ" are tested in the fixed order up to the first
  that is not rejected, so any number of settings costs no confidence.
* `conformal_risk_control`: the expected loss, over calibration and new query together, is at most δ (Angelopoulos et
  al. 2022, arXiv 2208.02814).

CALM (Schuster et al. 2022, arXiv 2207.07061) controls early exits of language models in this way.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Certified:
    """What calibration found.

    Attributes:
        settings: how many settings are certified, counted from the careful end; the last of them is the boldest.
        queries: n, of the calibration.
        seen: mean loss of the boldest certified setting on these queries; 0 where no setting is certified.
    """

    settings: int
    queries: int
    seen: float


def made_wrong(full: np.ndarray, stopped: np.ndarray) -> np.ndarray:
    """[N] 1 where the answer of the full budget is right and the one after stopping is not, else 0; from scores [N]."""
    return ((full >= 1) & (stopped < 1)).astype(np.float64)


def quality_lost(full: np.ndarray, stopped: np.ndarray) -> np.ndarray:
    """[N] score at the full budget minus the score after stopping, at least 0; from scores [N] in [0, 1]. Where scores
    are 0 and 1 it is `made_wrong`."""
    return np.clip(full.astype(np.float64) - stopped, 0.0, None)


def hoeffding_bentkus(mean: float, queries: int, risk: float) -> float:
    """A p-value of "the risk exceeds δ" from the mean of n independent losses in [0, 1]: the smaller one of
    exp(−n·h(min(mean, δ), δ)) with h(a, b) = a·log(a/b) + (1 − a)·log((1 − a)/(1 − b)) (Hoeffding 1963) and
    e·P(Binomial(n, δ) ≤ ⌈n·mean⌉) (Bentkus 2004); at most 1.

    Args:
        mean: of the losses.
        queries: n, at least 1.
        risk: δ in (0, 1).
    """
    from scipy.stats import binom  # 60 MB, which a command without a promise need not load

    least = min(mean, risk)
    divergence = _relative(least, risk) + _relative(1 - least, 1 - risk)
    # n·mean is a sum of floats, and one just above a whole number must not be rounded up to the next one.
    tail = float(binom.cdf(math.ceil(round(queries * mean, 9)), queries, risk))
    return min(1.0, math.exp(-queries * divergence), math.e * tail)


def _relative(share: float, of: float) -> float:
    return share * math.log(share / of) if share > 0 else 0.0


def learn_then_test(losses: Iterable[np.ndarray], risk: float, confidence: float) -> Certified:
    """The settings whose risk is at most δ with confidence 1 − α, all of them at once, by fixed-sequence testing.

    Args:
        losses: [N] in [0, 1] for each setting, from the one that stops latest to the one that stops earliest; none is
            taken after the first that fails.
        risk: δ.
        confidence: 1 − α.

    Raises:
        ValueError: risk or confidence outside (0, 1), or losses that are none.
    """
    check(risk, confidence)
    return _certified(losses, lambda loss: hoeffding_bentkus(loss.mean(), len(loss), risk) <= 1 - confidence)


def conformal_risk_control(losses: Iterable[np.ndarray], risk: float) -> Certified:
    """The settings with n/(n + 1)·mean + 1/(n + 1) ≤ δ: the expected loss of a new query is then at most δ.

    That theorem needs losses that never fall with boldness, so each query counts with its largest loss so far.

    Args:
        losses, risk: as in `learn_then_test`.

    Raises:
        ValueError: as `learn_then_test`.
    """
    check(risk)
    largest: list[np.ndarray] = [np.zeros(1)]

    def holds(loss: np.ndarray) -> bool:
        largest[0] = np.maximum(largest[0], loss)
        return (largest[0].sum() + 1) / (len(loss) + 1) <= risk

    return _certified(losses, holds)


def queries_needed(risk: float, confidence: float) -> int:
    """How many calibration queries without any loss `learn_then_test` needs to certify a setting."""
    check(risk, confidence)
    return math.ceil(math.log(1 - confidence) / math.log(1 - risk))


def _certified(losses: Iterable[np.ndarray], holds: Callable[[np.ndarray], bool]) -> Certified:
    found = Certified(0, 0, 0.0)
    for number, loss in enumerate(losses, start=1):
        if not len(loss) or not ((loss >= 0) & (loss <= 1)).all():
            raise ValueError(f"losses of setting {number} are no numbers from 0 to 1 of at least one query")
        if not holds(loss):
            return Certified(found.settings, len(loss), found.seen)
        found = Certified(number, len(loss), float(loss.mean()))
    return found


def check(risk: float, confidence: float = 0.5) -> None:
    """Refuses a promise that nothing could keep or break.

    Raises:
        ValueError: risk or confidence outside (0, 1).
    """
    for name, value in (("risk", risk), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ValueError(f"{name}={value} must lie between 0 and 1; use for instance risk=0.01, confidence=0.95")
