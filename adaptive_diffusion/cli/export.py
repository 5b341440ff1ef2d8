"""``adaptive-diffusion export``."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    source: Annotated[Path, typer.Argument(help="A run folder (its newest checkpoint) or a checkpoint.")],
    folder: Annotated[Path, typer.Argument(help="Where config.json, model.safetensors and the model card go.")],
    push_to_hub: Annotated[str | None, typer.Option(metavar="OWNER/NAME", help="Upload it there as well.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Let everybody see a repository that is created.")] = False,
) -> None:
    """Write a trained model in the layout of the Hugging Face hub: config.json, safetensors, a model card.

    Examples:

        adaptive-diffusion export runs/quickstart exported

        adaptive-diffusion export runs/quickstart exported --push-to-hub me/my-model
    """
    from adaptive_diffusion.runs.trained_model import checkpoint_file
    from adaptive_diffusion.storage import hub

    if public and push_to_hub is None:
        raise ValueError("--public is of a repository on the hub: add --push-to-hub OWNER/NAME, or leave it out")
    if push_to_hub is not None:
        hub.check_repository(push_to_hub)
    hub.save_pretrained(checkpoint_file(source), folder)
    typer.echo(folder)
    if push_to_hub:
        typer.echo(hub.push_to_hub(folder, push_to_hub, private=not public))
