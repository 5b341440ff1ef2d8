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
from adaptive_diffusion.cli.terminal import shown

SpanMasking = list[str] | None


def edit(
    source: Source,
    file: Annotated[Path, typer.Argument(help="The text to edit; it is read, never written.", show_default=False)],
    rewrite: Annotated[
        SpanMasking,
        typer.Option(help="Write a span anew: START:STOP in bytes or FIRST-LAST in lines; =COUNT tokens instead."),
    ] = None,
    revise: Annotated[
        SpanMasking, typer.Option(help="Let the span stand, and let remasking take back what it doubts there.")
    ] = None,
    insert: Annotated[SpanMasking, typer.Option(help="Write AT+COUNT tokens; AT is a byte, start or end.")] = None,
    delete: Annotated[SpanMasking, typer.Option(help="Leave a span out.")] = None,
    sampler: Sampler = "confidence",
    variations: Annotated[int, typer.Option("-n", "--variations", min=1, help="Texts, by seeds one apart.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the first variation.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print texts and figures as JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="A folder that gets a file for each variation.")] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    config_dir: ConfigDir = None,
    allow_module: AllowModule = None,
) -> None:
    """Edit a text: what is not named is kept to the byte.

    Examples:

        adaptive-diffusion edit runs/text code.py --rewrite 12-14 -n 5

        adaptive-diffusion edit runs/text code.py --rewrite 120:180=90 --delete 300:340

        adaptive-diffusion edit runs/text ending.txt --insert start+64 --sampler mdlm --seed 7

        adaptive-diffusion edit runs/text code.py --revise 1-20 --sampler "threshold_remasking pace.threshold=0.9"
    """
    from adaptive_diffusion.runs.edit import EditSpec, edit_file

    wishes = EditSpec(rewrite or (), revise or (), insert or (), delete or ())
    search, compute = config_search(config_dir), chosen_compute(device, precision)
    allow = allowed(allow_module)
    announce(compute)
    text, made, spread = edit_file(source, file, wishes, sampler, variations, seed, allow, search, compute)
    rows = [_row(made, index) for index in range(variations)]
    for row, changed in zip(rows, made.texts, strict=True):
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{file.stem}.{row['seed']}{file.suffix}").write_bytes(changed)
        row["text"] = changed.decode("utf-8", "backslashreplace")
    figures = {"distinct": spread.distinct, "difference": None if variations == 1 else spread.difference}
    if as_json:
        typer.echo(json.dumps({"variations": rows, "diversity": figures}, indent=2, ensure_ascii=False))
        return
    for row in rows:
        typer.secho(f"seed {row['seed']}: {row['nfe']} NFE, {row['why']}", bold=True)
        _show(text.decode("utf-8", "backslashreplace"), row["text"], file.name)
    if variations > 1:
        typer.echo(
            f"{spread.distinct} of {variations} differ; two of them in {100 * spread.difference:.1f}% of the places "
            "that were open."
        )


def _row(made: Any, index: int) -> dict[str, Any]:
    result = made.result
    return {
        "seed": made.seeds[index],
        "nfe": int(result.nfe[index]),
        "revisions": int(result.revisions[index]),
        "why": result.why(index),
    }


def _show(before: str, after: str, name: str) -> None:
    """The difference, coloured where people look."""
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm=""):
        typer.secho(shown(line), fg=colours.get(line[0]))
