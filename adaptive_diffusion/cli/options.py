"""Arguments and options that several commands share."""

import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

STANDARD_INPUT = "the standard input"
UNSAFE = re.compile(r"[^A-Za-z0-9_.=+,-]")

Experiment = Annotated[
    str, typer.Argument(help="A name in configs/experiment, such as quickstart.", show_default=False)
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Changes to its config, key=value, such as model.denoiser.depth=6.", show_default=False),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        help="The run folder.  \\[default: runs/EXPERIMENT, with the overrides in its name]", show_default=False
    ),
]
Update = Annotated[
    bool,
    typer.Option(
        "--update", help="The folder was made with another config, code or data: run again what the change concerns."
    ),
]
AllowModule = Annotated[
    list[str] | None,
    typer.Option(help="A module of yours whose classes configs and checkpoints may name.", show_default=False),
]
ConfigDir = Annotated[
    list[Path] | None,
    typer.Option(
        "--config-dir",
        help="A folder of configs, searched before ./configs and the package's; may be repeated.",
        show_default=False,
    ),
]
Device = Annotated[
    str, typer.Option("--device", help="Where models compute: auto (a GPU where there is one), cpu, cuda or mps.")
]
Precision = Annotated[
    str,
    typer.Option(
        "--precision", help="auto, or as in Lightning: 32-true, bf16-mixed, 16-mixed, bf16-true, 16-true, 64-true."
    ),
]
SAMPLER_HELP = "A sampler of configs/sampler, with overrides in quotes: 'threshold pace.threshold=0.9'"
Sampler = Annotated[str, typer.Option(help=f"{SAMPLER_HELP}.")]
Samplers = Annotated[
    list[str] | None,
    typer.Option("--sampler", help=f"{SAMPLER_HELP}; several values are several samplers; may be repeated."),
]
Source = Annotated[
    Path,
    typer.Argument(
        metavar="RUN_OR_MODEL",
        help="A run folder, a .safetensors file, a name of adaptive-diffusion models, or OWNER/NAME on the hub.",
    ),
]
Queries = Annotated[
    Path,
    typer.Option(
        help="A file of queries, in a form that the task of the model reads; - is the standard input.",
        show_default=False,
    ),
]
Answers = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        help="Keep answers here as they come: the same command goes on after an interruption.",
        show_default=False,
    ),
]
Trace = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        help="Write into this folder what happened to every token; analyze and explain read it.",
        show_default=False,
    ),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out queries that cannot be read instead of stopping.")]
Seed = Annotated[int, typer.Option(help="Seed of all random draws; each draw also depends on the number of the query.")]
Risk = Annotated[
    float | None,
    typer.Option(
        help="Choose the earliest stopping that loses at most this share of the answers; "
        "calibrated on the run's validation problems.",
        show_default=False,
    ),
]
Confidence = Annotated[
    float | None,
    typer.Option(
        help="Probability that the bound of --risk holds, over the choice of validation problems.  \\[default: 0.95]",
        show_default=False,
    ),
]
ExpectedRisk = Annotated[
    float | None,
    typer.Option(
        help="As --risk, but the bound holds on average over the choice of validation problems.", show_default=False
    ),
]

EngineName = Annotated[
    str, typer.Option("--engine", help="local: this machine; ray: actors, here or on a cluster (extra ray).")
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Number of processes (local) or of actors (ray).  "
        "\\[default: 1 for queries, the number of processors for sweeps]",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(help="Address of a running Ray cluster, such as ray://head:10001.", show_default=False),
]


def config_search(folders: list[Path] | None) -> Any:
    """Where configs are looked for: these folders, `./configs` if there is one, the package's own."""
    from adaptive_diffusion.config import ConfigSearch

    return ConfigSearch.of(folders or ())


@contextmanager
def query_file(path: Path) -> Iterator[Path]:
    """The file of queries; for `-` a temporary one with what the standard input held, removed at the end, which errors
    call the standard input. What begins with `{` is one JSON object a line, which readers know by the file's name."""
    if str(path) != "-":
        yield path
        return
    with TemporaryDirectory() as folder:
        content = sys.stdin.buffer.read()
        copy = Path(folder, "standard-input.jsonl" if content.lstrip().startswith(b"{") else "standard-input")
        copy.write_bytes(content)
        try:
            yield copy
        except ValueError as error:
            raise ValueError(str(error).replace(str(copy), STANDARD_INPUT)) from error


def called(path: Path) -> str:
    """How sentences call a file of queries."""
    return STANDARD_INPUT if str(path) == "-" else str(path)


def chosen_compute(device: str, precision: str) -> Any:
    """Where models compute and how precisely."""
    from adaptive_diffusion.runs.device import Compute

    return Compute.choose(device, precision)


def promise(risk: float | None, confidence: float | None, expected: float | None) -> Any:
    """What stopping early may lose; None where nothing is promised.

    Raises:
        ValueError: for both kinds of risk at once, a confidence without the risk that it belongs to, and numbers
            outside (0, 1).
    """
    if risk is not None and expected is not None:
        raise ValueError("--risk and --expected-risk promise different things: give one of them")
    if confidence is not None and risk is None:
        fix = "add for instance --risk 0.01" if expected is None else "give --risk in place of --expected-risk"
        raise ValueError(f"--confidence {confidence:g} is that of --risk: {fix}, or leave it out")
    if risk is None and expected is None:
        return None
    from adaptive_diffusion.runs.risk import Promise

    if expected is not None:
        return Promise(expected, None)
    return Promise(risk) if confidence is None else Promise(risk, confidence)  # type: ignore[arg-type]


def announce(compute: Any, trains: bool = False) -> None:
    """Prints what was chosen, on standard error: for sampling, and for training too where the command trains."""
    print(compute if trains else compute.sampling(), file=sys.stderr)


def engine(name: str, workers: int, address: str | None) -> Any:
    """The engine of that name.

    Raises:
        ValueError: for another name, or an address that no engine would use.
    """
    from adaptive_diffusion.plugins.ray_engine import Ray
    from adaptive_diffusion.runs.engine import Processes

    if name == "ray":
        return Ray(workers, address)
    if name != "local":
        raise ValueError(f"There is no engine {name!r}; they are local and ray.")
    if address:
        raise ValueError(f"--address {address} is of a Ray cluster: add --engine ray")
    return Processes(workers)


def options_of(other: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command that takes `**options` the arguments and options of another."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        command.__signature__ = signature(other)  # type: ignore[attr-defined]
        command.__annotations__ = other.__annotations__
        return command

    return decorate


def allowed(modules: list[str] | None) -> tuple[str, ...]:
    """The modules as a tuple; the working folder can be imported from if there are any, after everything installed."""
    if modules and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    return tuple(modules or ())


def query_engine(name: str, workers: int | None, address: str | None) -> Any:
    """The engine for a file of queries: None is this process; otherwise another engine or several workers.

    Raises:
        ValueError: as `engine`.
    """
    here = name == "local" and (workers or 1) == 1 and not address
    return None if here else engine(name, workers or 1, address)


def run_folder(experiment: str, overrides: Sequence[str]) -> Path:
    """The default run folder: the same command finds its own again, other overrides get another."""
    name = UNSAFE.sub("_", ",".join([experiment.replace("/", "-"), *overrides]))
    if len(name) > 100 or any(UNSAFE.search(override) or "," in override for override in overrides):
        name = f"{name[:100]}-{hashlib.sha256(repr(list(overrides)).encode()).hexdigest()[:8]}"
    return Path("runs") / name
