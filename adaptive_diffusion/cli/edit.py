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
            help="Write a span anew: START:STOP in bytes or FIRST-LAST in lines with their ends; =COUNT tokens instead."
        ),
    ] = None,
    revise: Annotated[
        Spans,
        typer.Option(help="Begin with the span as it stands; the sampler's remasking changes what it takes back."),
    ] = None,
    insert: Annotated[Spans, typer.Option(help="Write AT+COUNT tokens; AT is a byte, start or end.")] = None,
    delete: Annotated[Spans, typer.Option(help="Leave a span out.")] = None,
    sampler: Sampler = "confidence",
    variations: Annotated[int, typer.Option("-n", "--variations", min=1, help="Files, with seeds one apart.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the first variation.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print files and figures as JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="A folder that gets a file for each variation.")] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    config_dir: ConfigDir = None,
    allow_module: AllowModule = None,
) -> None:
    """Edit a file of a task that has an editor, such as a text or a grid: what is not named stays to the byte.

    Examples:

        adaptive-diffusion edit runs/text code.py --rewrite 12-14 -n 5

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
        typer.secho(f"seed {row['seed']}: {row['nfe']} NFE, {row['why']}", bold=True)
    if variations > 1:
        titles = [f"seed {row['seed']}" for row in rows]
        notes = [[(f"{place}: {sure}", colour) for place, sure, colour in _sureness(row)] for row in rows]
        print_side_by_side(text, [row["text"] for row in rows], titles, notes)
        typer.echo(
            f"{spread.distinct} of {variations} variations are distinct; two of them differ at "
            f"{100 * spread.difference:.1f}% of the open positions."
        )
        return
    for place, sure, colour in _sureness(rows[0]):
        typer.secho(f"{place}: written with probability {sure} a token", fg=colour)
    _show(text, rows[0]["text"], file.name)


def _row(made: Any, index: int) -> dict[str, Any]:
    result = made.result
    return {
        "seed": made.seeds[index],
        "nfe": int(result.nfe[index]),
        "steps": int(result.steps[index]),
        "revisions": int(result.revisions[index]),
        "why": result.why(index),
        "spans": [
            {"first": start, "last": stop - 1, "certainty": certainty}
            for (start, stop), certainty in zip(made.spans, made.certainty[index].tolist(), strict=True)
        ],
    }


def _sureness(row: dict[str, Any]) -> list[tuple[str, str, str]]:
    """For each span its place, the probability that its tokens were written with, and a colour for it."""
    return [
        (f"tokens {span['first']} to {span['last']}", f"{span['certainty']:.2f}", _shade(span["certainty"]))
        for span in row["spans"]
    ]


def _shade(certainty: float) -> str:
    """The colour of a span by how sure the model is of it."""
    return "green" if certainty >= SURE else "yellow" if certainty >= UNSURE else "red"


def _show(before: str, after: str, name: str) -> None:
    """The difference, in colours where the terminal has them."""
    colours = {"+": "green", "-": "red", "@": "cyan"}
    if before == after:
        typer.echo("nothing has changed")
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm=""):
        typer.secho(shown(line), fg=colours.get(line[0]))
