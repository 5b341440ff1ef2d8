"""Text from an untrusted model, made safe for a terminal."""

import re
import sys
import warnings
from typing import TextIO

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def shown(text: str) -> str:
    """Text with its control characters spelled out, since a terminal would obey them (move the cursor, change its
    title, recolour what follows). Pipes and files get the text as it is."""
    return visible(text) if sys.stdout.isatty() else text


def visible(text: str) -> str:
    """Text with its control characters spelled out."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def show_warnings_as_sentences() -> None:
    """Prints a warning as one sentence, without the file and the line of code that Python's own format adds."""
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, UserWarning):
            print(f"Warning: {message}", file=file or sys.stderr)
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
