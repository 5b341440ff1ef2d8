"""``adaptive-diffusion edit``."""

import difflib
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from adaptive_diffusion.cli.options import (
    AllowModule,
    ConfigDir,
    Device,
    Precision,
    Sampler,
    Source,
    allowed,
    announce,
    chosen_compute,
    config_search,
)
from adaptive_diffusion.cli.side_by_side import print_side_by_side
from adaptive_diffusion.cli.terminal import shown

Spans = list[str] | None

SURE, UNSURE = 0.9, 0.5
"""Probabilities a token from which a span is shown in green, and below which in red."""


def edit(
    source: Source,
    file: Annotated[Path, typer.Argument(help="The file to edit; it is read, never written.", show_default=False)],
    rewrite: Annotated[
        Spans,
        typer.Option(
            help="Rewrite a span: START:STOP in bytes, or FIRST-LAST in lines with their ends; "
            "add =COUNT to write COUNT tokens in its place."
        ),
    ] = None,
    revise: Annotated[
        Spans,
        typer.Option(help="Begin with the span as it stands; the sampler's remasking changes what it takes back."),
    ] = None,
    insert: Annotated[Spans, typer.Option(help="Write AT+COUNT tokens; AT is a byte, start or end.")] = None,
    delete: Annotated[Spans, typer.Option(help="Leave a span out.")] = None,
    sampler: Sampler = "confidence",
    variations: Annotated[
        int,
        typer.Option(
            "-n", "--variations", min=1, help="Files, with seeds one apart; they differ if the sampler draws."
        ),
    ] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the first variation.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print files and figures as JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="A folder that gets a file for each variation.")] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    config_dir: ConfigDir = None,
    allow_module: AllowModule = None,
) -> None:
    """Edit a file of a task that has an editor, such as a text or a grid.

    Everything outside the named places stays the same, byte for byte.

    Examples:

        adaptive-diffusion edit runs/text code.py --rewrite 12-14 -n 5 --sampler mdlm

        adaptive-diffusion edit molecules molecule.smi --rewrite 2:5 -n 5 --sampler mdlm

        adaptive-diffusion edit MODEL grid.txt --rewrite 1-2 -n 5 --sampler mdlm

        adaptive-diffusion edit runs/text code.py --rewrite 120:180=90 --delete 300:340

        adaptive-diffusion edit runs/text ending.txt --insert start+64 --sampler mdlm --seed 7

        adaptive-diffusion edit runs/text code.py --revise 1-20 --sampler "threshold_remasking pace.threshold=0.9"
    """
    from adaptive_diffusion.runs.edit import edit_file
    from adaptive_diffusion.storage.atomic_write import atomic_write_file
    from adaptive_diffusion.tasks.editing import EditSpec

    spec = EditSpec(rewrite or (), revise or (), insert or (), delete or ())
    search, compute = config_search(config_dir), chosen_compute(device, precision)
    allow = allowed(allow_module)
    announce(compute)
    before, made, spread = edit_file(source, file, spec, sampler, variations, seed, allow, search, compute)
    rows = [_row(made, index) for index in range(variations)]
    for row, changed in zip(rows, made.contents, strict=True):
        if out is not None:
            atomic_write_file(out / f"{file.stem}.{row['seed']}{file.suffix}", changed)
        row["text"] = changed.decode("utf-8", "backslashreplace")
    figures = {"distinct": spread.distinct, "difference": None if variations == 1 else spread.difference}
    if as_json:
        typer.echo(json.dumps({"variations": rows, "diversity": figures}, indent=2, ensure_ascii=False))
        return
    text = before.decode("utf-8", "backslashreplace")
    for row in rows:
        invalid = "" if row["violation"] is None else f"; not valid: {row['violation']}"
        title = f"seed {row['seed']}: {row['nfe']} NFE, {row['why']}{invalid}"
        typer.secho(title, bold=True, fg="red" if invalid else None)
    if variations > 1:
        titles = [f"seed {row['seed']}{'' if row['violation'] is None else ' (not valid)'}" for row in rows]
        notes = [[_note(span) for span in row["spans"]] for row in rows]
        print_side_by_side(text, [row["text"] for row in rows], titles, notes)
        typer.echo(
            f"{spread.distinct} of {variations} variations are distinct; on average, two of them differ at "
            f"{100 * spread.difference:.1f}% of the open positions."
        )
        return
    for span in rows[0]["spans"]:
        typer.secho(_sentence(span), fg=_shade(span["certainty"]))
    _show(text, rows[0]["text"], file.name)


def _row(made: Any, index: int) -> dict[str, Any]:
    result = made.result
    return {
        "seed": made.seeds[index],
        "nfe": int(result.nfe[index]),
        "steps": int(result.steps[index]),
        "revisions": int(result.revisions[index]),
        "why": result.why(index),
        "violation": made.violations[index],
        "spans": [
            {
                "span": span.name,
                "tokens": len(span.positions),
                "written": written,
                "certainty": certainty if written else None,
            }
            for span, written, certainty in zip(
                made.spans, made.written[index].tolist(), made.certainty[index].tolist(), strict=True
            )
        ],
    }


def _note(span: dict[str, Any]) -> tuple[str, str]:
    """How sure the model is of a span, in short, and a colour for it."""
    certainty = span["certainty"]
    return f"{span['span']}: " + ("not written" if certainty is None else f"{certainty:.2f}"), _shade(certainty)


def _sentence(span: dict[str, Any]) -> str:
    """How sure the model is of a span, and how much of it was written."""
    if span["certainty"] is None:
        return f"{span['span']}: looked at, nothing written"
    part = "" if span["written"] == span["tokens"] else f"{span['written']} of {span['tokens']} tokens "
    return f"{span['span']}: {part}written with probability {span['certainty']:.2f} a token"


def _shade(certainty: float | None) -> str:
    """The colour of a span by how sure the model is of it."""
    if certainty is None:
        return "bright_black"
    return "green" if certainty >= SURE else "yellow" if certainty >= UNSURE else "red"


def _show(before: str, after: str, name: str) -> None:
    """The difference, in colours where the terminal has them."""
    colours = {"+": "green", "-": "red", "@": "cyan"}
    if before == after:
        typer.echo("nothing has changed")
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm=""):
        typer.secho(shown(line), fg=colours.get(line[0]))
