"""The fields of untrusted tables: one line, and the column of ratings."""

import csv
import math

LARGEST_RATING = 1e30  # well inside float32


def fields_of(text: str, delimiter: str) -> list[str]:
    """The fields of one line of a table; raises ``ValueError`` where it is none."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise ValueError(f"not a CSV line ({error}); close its quotes") from error


def rating_of(text: str) -> float | None:
    """The number in a column of ratings; None for an empty field, NaN where it is no number of ordinary size."""
    if not text.strip():
        return None
    try:
        rating = float(text)
    except ValueError:
        return math.nan
    return rating if abs(rating) <= LARGEST_RATING else math.nan
