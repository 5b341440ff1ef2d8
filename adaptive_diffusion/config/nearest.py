"""What the user probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence with the nearest of the ``known`` words, or all of them where none is near; it starts with a blank."""
    known = sorted(set(known))
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f" The nearest is {near[0]!r}."
    return f" Known: {', '.join(known)}." if known else ""
