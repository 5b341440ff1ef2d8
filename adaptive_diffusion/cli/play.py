"""``adaptive-diffusion play``."""

from pathlib import Path
from typing import Annotated

import typer

from adaptive_diffusion.cli.options import (
    AllowModule,
    ConfigDir,
    Device,
    Precision,
    allowed,
    announce,
    chosen_compute,
    config_search,
)

LOOPBACK = "127.0.0.1"


def play(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN_OR_MODEL",
            help="As in sample; default: the most accurate model of the package.",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen; another address lets other machines in.")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page.")] = 7860,
    users: Annotated[int, typer.Option(min=1, help="Browser windows at the same time.")] = 4,
    seconds: Annotated[float, typer.Option(min=1, help="Most seconds of computing for one press of a button.")] = 60,
    device: Device = "auto",
    precision: Precision = "auto",
    config_dir: ConfigDir = None,
    allow_module: AllowModule = None,
) -> None:
    """Play with a model in the browser: choose a query, watch samplers solve it step by step, change a token and go on.

    The page is served to this machine alone unless --host gives another address. Needs the extra play.

    Examples:

        adaptive-diffusion play

        adaptive-diffusion play MODEL

        adaptive-diffusion play runs/quickstart --port 8000

        adaptive-diffusion play runs/quickstart --host 0.0.0.0 --users 2
    """
    try:
        from adaptive_diffusion.playground.app import serve
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise ModuleNotFoundError("the playground needs Gradio: pip install 'adaptive-diffusion[play]'") from error
    from adaptive_diffusion.playground.limits import Limits
    from adaptive_diffusion.playground.session import Playground
    from adaptive_diffusion.runs.models_to_try import most_accurate
    from adaptive_diffusion.runs.trained_model import load_trained_model

    source = source or Path(most_accurate().name)
    compute, allow = chosen_compute(device, precision), allowed(allow_module)
    announce(compute)
    limits = Limits(users=users, seconds=seconds)
    trained = load_trained_model(source, allow, compute)
    playground = Playground(trained, str(source), limits, config_search(config_dir))
    typer.echo(f"{source}: the samplers and the held-out queries are prepared …")
    if host not in (LOOPBACK, "localhost", "::1"):
        typer.echo(f"Every machine that reaches {host} can use this page.", err=True)
    blocks, address = serve(playground, host, port, wait=False)
    typer.echo(f"Open {address} in a browser. Ctrl-C ends it.")
    blocks.block_thread()
