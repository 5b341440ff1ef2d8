"""``adaptive-diffusion``: the commands in one place, each in its own file."""

from typing import Annotated

import typer

from adaptive_diffusion.cli.ablate import ablate
from adaptive_diffusion.cli.analyze import analyze
from adaptive_diffusion.cli.edit import edit
from adaptive_diffusion.cli.evaluate import evaluate
from adaptive_diffusion.cli.explain import explain
from adaptive_diffusion.cli.export import export
from adaptive_diffusion.cli.guarded import Guarded
from adaptive_diffusion.cli.humaneval import humaneval
from adaptive_diffusion.cli.import_weights import import_weights
from adaptive_diffusion.cli.models import models
from adaptive_diffusion.cli.play import play
from adaptive_diffusion.cli.repeat import repeat
from adaptive_diffusion.cli.run import run
from adaptive_diffusion.cli.sample import sample
from adaptive_diffusion.cli.samplers import samplers
from adaptive_diffusion.cli.terminal import show_warnings_as_sentences
from adaptive_diffusion.cli.train import train
from adaptive_diffusion.runs.memory import keep_freed_memory

app = typer.Typer(
    cls=Guarded,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from adaptive_diffusion import __version__

        typer.echo(f"adaptive-diffusion {__version__}")
        raise typer.Exit


@app.callback(
    epilog="Start with [bold]adaptive-diffusion run quickstart[/]; each command explains itself with --help.",
)
def adaptive_diffusion(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Adaptive compute and self-correction for discrete diffusion samplers.

    Train a denoiser, then compare samplers that decide for every query how many steps it gets and what is taken back.
    """


COMMANDS = (
    *(run, train, evaluate, sample, edit, humaneval, explain),
    *(analyze, ablate, repeat, samplers, models, play, export),
)
for command in COMMANDS:
    app.command()(command)
app.command("import")(import_weights)


def main() -> None:
    """The console script."""
    keep_freed_memory()
    show_warnings_as_sentences()
    app(prog_name="adaptive-diffusion")
