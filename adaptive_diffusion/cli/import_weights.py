"""``adaptive-diffusion import``."""

from pathlib import Path
from typing import Annotated

import typer

from adaptive_diffusion.cli.options import ConfigDir, config_search


def import_weights(
    source: Annotated[
        str, typer.Argument(help="A checkpoint (.bin, .pt, .ckpt) or its folder, or a name of configs/package.")
    ],
    folder: Annotated[Path, typer.Argument(help="Where config.json, model.safetensors and the card go; a new folder.")],
    config: Annotated[
        Path | None, typer.Option(help="The config.json of the model.  \\[default: the one beside the checkpoint]")
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="A YAML table of names, old beginning: new one; * stands for a number.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(metavar="KEY", help="Where the state dict stands in the file, such as ema.model.")
    ] = None,
    inert: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS", help="Read objects of this class as plain values, without importing it."),
    ] = None,
    config_dir: ConfigDir = None,
) -> None:
    """Turn a checkpoint of another program into config.json, safetensors and a card, without running code of it.

    A pickle is read as tensors and plain values; whatever else it names is refused. Known packages are downloaded by
    pip with a pinned version and hash.

    Examples:

        adaptive-diffusion import antiberty imported/antiberty

        adaptive-diffusion import epoch=3.ckpt imported/mine --config config.json --names names.yaml
    """
    from adaptive_diffusion.storage.importing.convert import Conversion, convert, read_config
    from adaptive_diffusion.storage.importing.names import Names
    from adaptive_diffusion.storage.importing.packages import import_package, known_package, known_packages

    search = config_search(config_dir)
    known = known_packages(search)
    if source in known and not Path(source).exists():
        described_by_hand = {"--config": config, "--names": names, "--weights": weights, "--inert": inert}
        if given := [option for option, value in described_by_hand.items() if value]:
            raise ValueError(
                f"{source} is a known package, which brings its own config; leave out {' and '.join(given)}"
            )
        imported = import_package(known_package(source, search), folder)
    elif not Path(source).exists():
        raise ValueError(f"There is no file {source}; the known packages are {', '.join(known)}")
    else:
        table = Names({}) if names is None else Names.read(names)
        described = None if config is None else read_config(config)
        imported = convert(Path(source), folder, Conversion(described, table, weights, tuple(inert or ())))
    for sentence in imported.sentences:
        typer.echo(sentence)
