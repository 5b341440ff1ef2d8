"""``adaptive-diffusion run`` and what it shares with ``train``."""

from adaptive_diffusion.cli.options import AllowModule, Experiment, Folder, Overrides, Update, allowed, run_folder


def run(
    experiment: Experiment,
    overrides: Overrides = None,
    folder: Folder = None,
    update: Update = False,
    allow_module: AllowModule = None,
) -> None:
    """Run an experiment: every stage of it, from training to the report.

    Stages that are finished are skipped, so the same command goes on after an interruption and repeats nothing.

    Examples:

        adaptive-diffusion run quickstart

        adaptive-diffusion run quickstart model.depth=6 seed=1

        adaptive-diffusion run quickstart --folder runs/mine
    """
    run_stages(experiment, overrides, folder, update, allow_module, training_only=False)


def run_stages(
    experiment: str,
    overrides: Overrides,
    folder: Folder,
    update: bool,
    allow_module: AllowModule,
    training_only: bool,
) -> None:
    """Composes the config and works through its stages in the run folder."""
    from rich.console import Console

    from adaptive_diffusion.config import compose, resolve
    from adaptive_diffusion.runs.experiment import read_stages, run_experiment
    from adaptive_diffusion.storage.folder import RunFolder

    config = resolve(compose(experiment, overrides or ()))
    read_stages(config, allowed(allow_module))  # what is refused is refused before a folder is made
    say = Console(highlight=False, markup=False, soft_wrap=True).print
    with RunFolder(folder or run_folder(experiment, overrides or ()), allowed(allow_module)) as held:
        run_experiment(config, held, training_only, update, say)
        say(f"{held.path} holds the results.")
