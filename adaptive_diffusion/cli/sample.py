"""``adaptive-diffusion sample``."""

from typing import Annotated

import typer

from adaptive_diffusion.cli.options import AllowModule, Queries, Seed, SkipBad, Source, allowed


def sample(
    source: Source,
    queries: Queries,
    sampler: Annotated[str, typer.Option(help="A name in configs/sampler.")] = "confidence",
    variations: Annotated[int, typer.Option("-n", "--variations", min=1, help="Answers to each query.")] = 1,
    skip_bad: SkipBad = False,
    seed: Seed = 0,
    allow_module: AllowModule = None,
) -> None:
    """Answer the queries of a file and show the answers, each with its forwards and why it halted.

    Examples:

        adaptive-diffusion sample runs/quickstart --queries puzzles.txt --sampler learned

        adaptive-diffusion sample runs/quickstart --queries puzzles.txt -n 5 --seed 1
    """
    from adaptive_diffusion.runs.sample import sample_file

    for answer in sample_file(source, queries, sampler, variations, seed, skip_bad, allowed(allow_module)):
        typer.echo(answer)
