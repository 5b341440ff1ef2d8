"""Molecules as pictures: a structure in two dimensions, or the string in red where it is no molecule."""

from collections.abc import Sequence
from html import escape
from typing import Any

from adaptive_diffusion.tasks.lines import shortened
from adaptive_diffusion.tasks.molecules.chemistry import chem, error_of, molecule

SIZE = 220, 160
"""Width and height of a picture in pixels."""
OPEN = "·"
"""What an open position is in a string."""
RED, GREY = "#b3261e", "#777777"
LETTER, LINE = 8, 20
"""Width of a letter and height of a line of text, in pixels."""
LONGEST = 5
"""Lines of a string; what is longer is cut."""


def picture(smiles: str, size: tuple[int, int] = SIZE, finished: bool = True) -> str:
    """An SVG element: the structure of a molecule. A string that is no molecule is shown in red with the reason.
    One that is not `finished` is drawn with a wildcard atom for each open position, or shown in grey where that gives
    nothing that can be drawn.

    rdkit draws atoms and bonds from the parsed molecule, so that nothing of the string itself enters the picture; where
    the string is shown, it is escaped.
    """
    found = molecule(smiles) if finished else _partial(smiles)
    if found is None:
        return _lines([smiles, error_of(smiles) or ""], size, RED) if finished else _lines([smiles], size, GREY)
    width, height = size
    chem()
    from rdkit.Chem.Draw import rdMolDraw2D  # pyright: ignore[reportMissingImports]

    drawing = rdMolDraw2D.MolDraw2DSVG(width, height)
    drawing.drawOptions().clearBackground = False
    rdMolDraw2D.PrepareAndDrawMolecule(drawing, found)
    drawing.FinishDrawing()
    text = drawing.GetDrawingText()
    return text[text.index("<svg") :]


def _partial(smiles: str) -> Any | None:
    """What can be drawn of a string with open positions."""
    return chem().MolFromSmiles(smiles.replace(OPEN, "*"), sanitize=False)


def _lines(lines: Sequence[str], size: tuple[int, int], colour: str) -> str:
    width, height = size
    shown = [part for line in lines for part in _wrapped(line, (width - LETTER) // LETTER)]
    top = height // 2 - LINE * (len(shown) // 2 - 1)
    texts = "".join(
        f'<text x="{LETTER}" y="{top + LINE * row}" fill="{colour}" font-family="monospace" font-size="13">'
        f"{escape(line)}</text>"
        for row, line in enumerate(shown)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img">{texts}</svg>'


def _wrapped(text: str, letters: int) -> list[str]:
    """Lines of so many letters; a SMILES string has no words to break at."""
    cut = shortened(text, LONGEST * letters)
    return [cut[at : at + letters] for at in range(0, len(cut), letters)]


def gallery(strings: list[str], title: str, columns: int = 5) -> str:
    """A page of pictures with their strings below, for a browser. It has no script and loads nothing."""
    cells = "".join(
        f"<figure>{picture(smiles)}<figcaption><code>{escape(smiles)}</code></figcaption></figure>"
        for smiles in strings
    )
    style = (
        f"body{{font-family:sans-serif;margin:2rem}}main{{display:grid;grid-template-columns:repeat({columns},1fr);"
        "gap:1rem}figure{margin:0;border:1px solid #ddd;border-radius:6px;padding:.5rem}svg{max-width:100%}"
        "code{font-size:.7rem;word-break:break-all}"
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{style}</style></head><body><h1>{escape(title)}</h1><main>{cells}</main></body></html>\n"
    )
