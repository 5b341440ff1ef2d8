"""Commands in the documents are commands that the package takes: options, experiments, changes to configs, samplers."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from click import Context

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.config import ConfigSearch, compose, named_sampler
from adaptive_diffusion.config.resolution import resolve
from adaptive_diffusion.config.search import package_folder
from adaptive_diffusion.runs.experiment import read_stages, with_samplers

ROOT = Path(__file__).parent.parent
PAST = {"changelog.md", "decisions.md"}
DOCUMENTS = [ROOT / "README.md", *(file for file in sorted((ROOT / "docs").rglob("*.md")) if file.name not in PAST)]
COMMAND = re.compile(r"^(?: {4}|\$ |.* \| )+(?:\$ )?adaptive-diffusion ([a-z].*)$", re.MULTILINE)
PACKAGE = ConfigSearch((package_folder(),))


def commands() -> list[str]:
    """The arguments of every command that stands in a block of its own, without those that use a reader's own module,
    which `tests/extension` runs, or a reader's own config."""
    texts = [re.sub(r"\\\n\s*", "", file.read_text()) for file in DOCUMENTS]
    found = {match.split(" > ")[0].split(" < ")[0] for text in texts for match in COMMAND.findall(text)}
    return sorted(line for line in found if "--allow-module" not in line and "=mine" not in line)


def parsed(line: str) -> Context:
    name, *arguments = shlex.split(line, comments=True)
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    return command.make_context(name, arguments)


def test_options_and_samplers_of_commands_exist():
    found = commands()
    assert len(found) > 60
    for line in found:
        samplers = parsed(line).params.get("sampler") or []
        for sampler in [samplers] if isinstance(samplers, str) else samplers:
            named_sampler(sampler, PACKAGE)


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in commands() if line.startswith(("run ", "train "))])
def test_experiment_of_a_command_can_be_composed_with_its_changes(line):
    found = parsed(line).params
    config = resolve(compose(found["experiment"], found["overrides"] or (), PACKAGE))
    assert read_stages(with_samplers(config, search=PACKAGE))
