"""Molecules as pictures: a structure in two dimensions, or the string in red where it is no molecule."""

from html import escape

from adaptive_diffusion.tasks.molecules.chemistry import chem, error_of, molecule

SIZE = 220, 160
"""Width and height of a picture in pixels."""


def picture(smiles: str, size: tuple[int, int] = SIZE) -> str:
    """An SVG element for a page: the structure of a molecule; else the string in red with the reason.

    rdkit draws atoms and bonds from the parsed molecule, so that nothing of the string itself enters the picture; where
    the string is shown, it is escaped.
    """
    width, height = size
    found = molecule(smiles)
    if found is None:
        shown = smiles if len(smiles) <= 60 else f"{smiles[:59]}…"
        lines = ((height // 2, 13, shown), (height // 2 + 20, 12, error_of(smiles) or ""))
        texts = "".join(
            f'<text x="8" y="{y}" fill="#b3261e" font-family="monospace" font-size="{font}">{escape(line)}</text>'
            for y, font, line in lines
        )
        return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img">{texts}</svg>'
    chem()
    from rdkit.Chem.Draw import rdMolDraw2D  # pyright: ignore[reportMissingImports]

    drawing = rdMolDraw2D.MolDraw2DSVG(width, height)
    drawing.drawOptions().clearBackground = False
    rdMolDraw2D.PrepareAndDrawMolecule(drawing, found)
    drawing.FinishDrawing()
    text = drawing.GetDrawingText()
    return text[text.index("<svg") :]


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
