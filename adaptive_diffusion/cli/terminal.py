"""Text from an untrusted model, made safe for a terminal."""

import re
import sys

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def shown(text: str) -> str:
    """Text with its control characters spelled out, since a terminal would obey them (move the cursor, change its
    title, recolour what follows). Pipes and files get the text as it is."""
    if not sys.stdout.isatty():
        return text
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
