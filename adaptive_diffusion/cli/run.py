"""``adaptive-diffusion run`` and what it shares with ``train``."""

from adaptive_diffusion.cli.options import (
    AllowModule,
    ConfigDir,
    Device,
    Experiment,
    Folder,
    Overrides,
    Precision,
    Update,
    allowed,
    chosen_compute,
    config_search,
    run_folder,
)


def run(
    experiment: Experiment,
    overrides: Overrides = None,
    folder: Folder = None,
    update: Update = False,
    device: Device = "auto",
    precision: Precision = "auto",
    config_dir: ConfigDir = None,
    allow_module: AllowModule = None,
) -> None:
    """Run an experiment: every stage of it, from training to the report.

    Stages that are finished are skipped, so the same command goes on after an interruption and repeats nothing.

    Examples:

        adaptive-diffusion run quickstart

        adaptive-diffusion run quickstart model.denoiser.depth=6 seed=1

        adaptive-diffusion run quickstart --folder runs/mine
    """
    run_stages(experiment, overrides, folder, update, device, precision, config_dir, allow_module, training_only=False)


def run_stages(
    experiment: str,
    overrides: Overrides,
    folder: Folder,
    update: bool,
    device: str,
    precision: str,
    config_dir: ConfigDir,
    allow_module: AllowModule,
    training_only: bool,
) -> None:
    """Composes the config and works through its stages in the run folder."""
    from rich.console import Console

    from adaptive_diffusion.config import compose, resolve
    from adaptive_diffusion.runs.experiment import read_stages, run_experiment, with_samplers
    from adaptive_diffusion.storage.folder import RunFolder

    search, allow = config_search(config_dir), allowed(allow_module)
    config = with_samplers(resolve(compose(experiment, overrides or (), search)), allow, search)
    compute = chosen_compute(device, precision)
    read_stages(config, allow)  # what is refused is refused before a folder is made
    say = Console(highlight=False, markup=False, soft_wrap=True).print
    with RunFolder(folder or run_folder(experiment, overrides or ()), allow) as held:
        say(str(compute))
        run_experiment(config, held, training_only, update, say, search, compute)
        say(f"{held.path} holds the results.")
