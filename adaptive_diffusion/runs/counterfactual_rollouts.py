"""A sampler's queries recorded past their halting point: what the controls of its halting would have answered."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from adaptive_diffusion.core.state import Finish
from adaptive_diffusion.evaluation.halting_metrics import CounterfactualRollouts, StoppingTable
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.tasks.task import Task
from adaptive_diffusion.training.rollouts import Rollouts, check_recordable, record, scored


def check_counterfactual_rollouts(sampler: Sampler) -> None:
    """Raises `ValueError` where `record_counterfactual_rollouts` would."""
    if sampler.halting.finish == Finish.FILL:
        check_recordable(sampler)


def record_counterfactual_rollouts(
    folder: RunFolder, name: str, sampler: Sampler, task: Task, problems: Any, seed: int, slots: int
) -> None:
    """Samples once more with halting off and the same draws, and writes `counterfactual_rollouts/NAME.safetensors`.
    Where the rule answers otherwise than by filling in what is open, or the sampler has blocks, there are none, and a
    file of an earlier config is removed."""
    # With blocks a stop changes what comes after it, or fills all blocks, while the recording runs every block to its
    # end: its rows would be another trajectory than the one that is stopped.
    if sampler.halting.finish != Finish.FILL or sampler.block_length is not None:
        folder.file(_file(name)).unlink(missing_ok=True)
        return
    rollouts = record(sampler, scored(task, problems), seed=seed, slots=slots)
    with folder.atomic_write(_file(name)) as path:
        replace(rollouts, observation=rollouts.observation[:, :0]).save(path)


def read_counterfactual_rollouts(run: Path, name: str) -> CounterfactualRollouts | None:
    """What `record_counterfactual_rollouts` wrote for a sampler; None where it did not.

    Raises:
        ValueError: a file that holds no rollouts.
    """
    file = run / _file(name)
    if not file.is_file():
        return None
    rollouts = Rollouts.load(file)
    return CounterfactualRollouts(rollouts.query.numpy(), stopping_table(rollouts))


def stopping_table(rollouts: Rollouts) -> StoppingTable:
    """What each row would answer and have cost if it were stopped after each of its steps."""
    total = rollouts.cost.double().cumsum(0)
    before = (total[rollouts.first] - rollouts.cost[rollouts.first]).repeat_interleave(rollouts.steps)
    return StoppingTable(rollouts.padded(rollouts.score).numpy(), rollouts.padded(total - before).numpy())


def _file(name: str) -> str:
    return f"counterfactual_rollouts/{name}.safetensors"
