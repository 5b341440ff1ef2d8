"""Checkers of text: how good a text is by itself, from 0 to 1.

A checker is any callable `checker(text) -> float`. One of a user's own is named in the config, from a module that
`--allow-module` allows: `checker: {_target_: my_checkers.is_molecule, _partial_: true}`.
"""

import ast
import textwrap
import warnings
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping

from adaptive_diffusion.tasks.scores import score_of

TextChecker = Callable[[str], float]


def parses_python(text: str) -> float:
    """1 where the text is Python, at any indentation. Nothing of it runs."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(textwrap.dedent(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0.0
    return 1.0


CHECKERS: Mapping[str, TextChecker] = {"parses_python": parses_python}


def graded_text(checker: TextChecker, text: bytes) -> float:
    """The score of a text; 0 where it is not UTF-8 or the checker cannot read it. A character that the window cuts at
    either end is left out.

    Raises:
        ValueError: a score outside 0..1.
    """
    begin = next((place for place, byte in enumerate(text[:4]) if byte & 0xC0 != 0x80), 0)
    complete = getincrementaldecoder("utf-8")().decode  # what is incomplete at the end waits for more, and is left out
    return score_of(lambda: checker(complete(text[begin:])), lambda: f"the text {text!r:.80}")
