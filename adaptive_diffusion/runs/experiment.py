"""An experiment: the stages of a config, one after the other, in a run folder.

The config's ``stages`` maps names to nodes; each node names a class of ``adaptive_diffusion.runs.stages`` (or of an
allowed module) and its values. The fields ``data``, ``model`` and ``seed`` of a stage come from the ``task``, ``model``
and ``seed`` of the config where the node does not set them. A stage that is finished is not run again, so the same
command goes on where it was interrupted.
"""

import inspect
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from omegaconf import OmegaConf

from adaptive_diffusion.config import (
    ConfigSearch,
    check,
    digest,
    instantiate_outer,
    named_samplers,
    resolve,
)
from adaptive_diffusion.config.resolution import Node
from adaptive_diffusion.config.targets import find_target
from adaptive_diffusion.core.parameters import check_value
from adaptive_diffusion.runs.contents import changed, code_named, files_named
from adaptive_diffusion.runs.device import Compute
from adaptive_diffusion.runs.dry_run import check_fit
from adaptive_diffusion.runs.recorded_config import CONFIG, check_config
from adaptive_diffusion.runs.stage import Stage, StageContext
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.storage.manifest import Manifest, now

INHERITED = {"data": "task", "model": "model", "seed": "seed"}
"""Fields of stages, and the keys of the config they come from where a stage's node does not set them."""


@dataclass(frozen=True)
class StageNode:
    """A stage of a config.

    Attributes:
        name: its key in ``stages``.
        node: its values, those that are inherited included.
        trains: whether ``adaptive-diffusion train`` runs it.
        digest: of its node, of the config's task, model and seed, and of all stages before it.
        contents: digests of the code and the files of data that these name, by their names.
    """

    name: str
    node: dict[str, Any]
    trains: bool
    digest: str
    contents: dict[str, str] = field(default_factory=dict)


def run_experiment(
    config: Node,
    folder: RunFolder,
    training_only: bool = False,
    update: bool = False,
    say: Callable[[str], None] = print,
    search: ConfigSearch | None = None,
    compute: Compute | None = None,
) -> None:
    """Runs the stages of ``config`` that are not finished yet.

    Args:
        config: a composed config with ``stages``.
        folder: where; entered, so that it is locked.
        training_only: stop after the last stage that trains.
        update: go on although the config, or code or data that it names, is not what the folder was made with; what
            this changes is run again, and so are the stages after it.
        say: receives a line about each stage.
        search: where the samplers that stages name are looked for.
        compute: where models compute and how precisely; None is the CPU.

    Raises:
        ValueError: if a stage is refused (before any stage is run), or the folder was made with another config, or
            what is finished in it with other code or data.
    """
    plain = with_samplers(resolve(config), folder.allow, search)
    stages = read_stages(plain, folder.allow)
    if training_only:
        stages = _until_trained(stages)
    marks = [(_read_mark(stage, folder), stage) for stage in stages]  # what is damaged is refused before all else
    # What is not finished is run anew without a question: a failure in one's own code is mended and tried again.
    contents = {name: None for mark, stage in marks if mark.get("done") for name in _changed(mark, stage)}
    check_config(plain, list(contents), folder, update, say)
    compute = compute or Compute()
    contexts = [
        StageContext(
            folder,
            stage.name,
            folder.file(f"resume/{stage.name}"),
            compute,
            _shared(plain),
            earlier=[one.name for one in stages[:number]],
        )
        for number, stage in enumerate(stages)
    ]
    if any(stage.trains and not _read_mark(stage, folder).get("done") for stage in stages):
        nodes = [stage.node for stage in stages]
        check_fit(plain.get("task") or {}, nodes, contexts, say)
    # Only now, so that a config which is refused leaves nothing and does not stand in the way of the next one.
    manifest = Manifest(
        folder,
        {
            "config_sha256": digest(plain),
            "seed": plain.get("seed"),
            "allow": list(folder.allow),
            "compute": compute.as_json(),
        },
    )
    outcome = "interrupted"
    try:
        folder.write(CONFIG, OmegaConf.to_yaml(OmegaConf.create(plain)))
        for stage, context in zip(stages, contexts, strict=True):
            _run_stage(stage, context, manifest, say)
        outcome = "finished"
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"
        raise
    finally:
        manifest.end(outcome)


def with_samplers(
    plain: dict[str, Any], allow: tuple[str, ...] = (), search: ConfigSearch | None = None
) -> dict[str, Any]:
    """The values with every sampler that a stage names in the place of its name, so that the run folder holds all that
    it takes to repeat the run.

    Raises:
        ValueError: as `read_stages` and `config.named_samplers`.
    """
    stages = {}
    for name, node in _nodes(plain).items():
        fields = () if node is None else _stage_class(name, node, allow).sampler_fields
        stages[name] = node and {
            key: _samplers(f"stages.{name}.{key}", value, search) if key in fields else value
            for key, value in node.items()
        }
    return {**plain, "stages": stages}


def _samplers(key: str, listed: Any, search: ConfigSearch | None) -> dict[str, Any]:
    try:
        return {one.name: one.as_node() for one in named_samplers(listed, search)}
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error


def _nodes(plain: dict[str, Any]) -> dict[str, Any]:
    """The nodes of the stages, each checked to be one or null."""
    nodes = plain.get("stages")
    if not isinstance(nodes, dict):
        raise ValueError("The config has no stages: 'stages' must map names to nodes, each with a _target_.")
    for name, node in nodes.items():
        if node is not None and not (name.isidentifier() and isinstance(node, dict) and "_target_" in node):
            raise ValueError(f"stages.{name} must have the name of a stage and a _target_.")
    return nodes


def read_stages(plain: dict[str, Any], allow: tuple[str, ...] = ()) -> list[StageNode]:
    """The stages of resolved values, in order; a stage that is null is left out.

    Raises:
        ValueError: if there are none, one is no node or names what may not be called, or the seed is no number.
    """
    check_value("the config", "seed", plain.get("seed"), int | None)
    shared = _shared(plain)
    stages, before, contents = [], digest(shared), code_named(shared, allow) | files_named(shared)
    for name, node in _nodes(plain).items():
        if node is None:
            continue
        stage = _stage_class(name, node, allow)
        own = {key: node[key] for key in INHERITED if key in node}  # a stage may write the files its other keys name
        contents = contents | code_named(node, allow) | files_named(own)
        node = _inherited(stage, plain) | node
        check({"stages": {name: node}}, allow)
        before = digest([before, node])
        stages.append(StageNode(name, node, stage.trains, before, contents))
    if not stages:
        raise ValueError("The config has no stages: name a preset, such as quickstart, or add 'stages' to it.")
    return stages


def _stage_class(name: str, node: dict[str, Any], allow: tuple[str, ...]) -> type[Stage]:
    try:
        found = find_target(node["_target_"], False, allow)
    except ValueError as error:
        raise ValueError(f"stages.{name}: {error}") from error
    if not inspect.isclass(found) or not issubclass(found, Stage):
        raise ValueError(f"stages.{name}: {node['_target_']} is not a stage: derive it from {Stage.__module__}.Stage")
    return found


def _inherited(stage: type[Stage], plain: dict[str, Any]) -> dict[str, Any]:
    """The values of a stage's fields that come from the config around it."""
    fields = inspect.signature(stage).parameters
    return {field: plain[key] for field, key in INHERITED.items() if field in fields and plain.get(key) is not None}


def _shared(plain: dict[str, Any]) -> dict[str, Any]:
    """What all stages of a config can depend on."""
    return {key: plain[key] for key in INHERITED.values() if key in plain}


def _until_trained(stages: list[StageNode]) -> list[StageNode]:
    """The stages up to the last one that trains."""
    last = max((index for index, stage in enumerate(stages) if stage.trains), default=None)
    if last is None:
        raise ValueError(f"No stage trains; the stages are {', '.join(stage.name for stage in stages)}.")
    return stages[: last + 1]


def _run_stage(stage: StageNode, context: StageContext, manifest: Manifest, say: Callable[[str], None]) -> None:
    folder, resume = context.folder, context.resume
    mark = _read_mark(stage, folder)
    changes = _changed(mark, stage)
    if mark.get("digest") != stage.digest or changes:
        if mark:
            what = changes[0] if changes else "its config or that of a stage before it"
            say(f"{stage.name}: {what} has changed, so it is run anew")
        shutil.rmtree(resume, ignore_errors=True)
        mark = {"digest": stage.digest, "done": False, "started": now(), "ended": None, "seconds": 0.0}
        mark |= {"contents": stage.contents} if stage.contents else {}
    elif mark["done"]:
        say(f"{stage.name}: finished before, skipped")
        manifest.stage(stage.name, mark)
        return
    else:
        say(f"{stage.name}: goes on where it was interrupted")
    folder.write_json(_mark(stage), mark)
    resume.mkdir(parents=True, exist_ok=True)
    with _timed(mark, stage, folder, manifest):
        made: Stage = instantiate_outer(stage.node, f"stages.{stage.name}", folder.allow)
        mark |= {"facts": made(context) or {}, "done": True, "ended": now()}
    shutil.rmtree(resume, ignore_errors=True)
    say(f"{stage.name}: finished in {mark['seconds']:.0f} s")


@contextmanager
def _timed(mark: dict[str, Any], stage: StageNode, folder: RunFolder, manifest: Manifest) -> Iterator[None]:
    """Adds the seconds to the mark, also those of a stage that is interrupted, and writes it down."""
    begin = time.monotonic()
    try:
        yield
    finally:
        mark["seconds"] = round(mark["seconds"] + time.monotonic() - begin, 1)
        folder.write_json(_mark(stage), mark)
        manifest.stage(stage.name, mark)


def _mark(stage: StageNode) -> str:
    return f"stages/{stage.name}.json"


def _changed(mark: dict[str, Any], stage: StageNode) -> list[str]:
    """The code and the files of data that are not what they were at the stage's earlier run."""
    return changed(mark.get("contents", {}), stage.contents)


def _read_mark(stage: StageNode, folder: RunFolder) -> dict[str, Any]:
    """What is known of a stage's earlier run, empty if nothing. Raises `ValueError` for a damaged file."""
    mark = folder.read_json(_mark(stage), {})
    whole = isinstance(mark, dict) and isinstance(mark.get("contents", {}), dict)
    if not whole or (mark and not {"digest", "done", "seconds"} <= mark.keys()):
        raise ValueError(f"{folder.file(_mark(stage))} is damaged. Remove it to run the stage again.")
    return mark
