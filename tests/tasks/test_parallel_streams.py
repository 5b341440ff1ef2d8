"""Processes that train together get other problems, for every task of the package."""

import importlib
import pkgutil
from itertools import islice

import pytest
import torch
from task_data import DATA, WITHOUT_TRAINING

from adaptive_diffusion import tasks
from adaptive_diffusion.tasks.data import TaskData


@pytest.mark.parametrize("kind", DATA, ids=lambda kind: kind.__name__)
def test_two_processes_see_other_problems_and_together_all_of_one(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    data = DATA[kind](tmp_path)

    def batches(part, parts, count):
        found = islice(data.train_stream(part=part, parts=parts), count)
        made = [data.batch(problems) for problems in found]
        return [torch.cat([batch.queries.tokens, batch.clean], 1) for batch in made]

    alone = batches(0, 1, 4)
    first, second = batches(0, 2, 2), batches(1, 2, 2)
    assert all(torch.equal(*pair) for pair in zip([first[0], second[0], first[1], second[1]], alone, strict=True))
    assert {tuple(row) for row in torch.cat(first).tolist()}.isdisjoint(map(tuple, torch.cat(second).tolist()))


def test_every_task_of_the_package_is_tested():
    for module in pkgutil.walk_packages(tasks.__path__, "adaptive_diffusion.tasks."):
        importlib.import_module(module.name)  # a class that is not imported is no subclass yet

    def kinds(parent):
        return {parent, *(kind for child in parent.__subclasses__() for kind in kinds(child))}

    ours = {kind for kind in kinds(TaskData) if kind.__module__.startswith("adaptive_diffusion.")}
    assert ours - {TaskData} == set(DATA) | set(WITHOUT_TRAINING)


@pytest.mark.parametrize("kind", WITHOUT_TRAINING, ids=lambda kind: kind.__name__)
def test_data_that_is_only_evaluated_on_names_what_to_train_on(kind):
    with pytest.raises(ValueError, match="to train on; use .* with a corpus"):
        WITHOUT_TRAINING[kind]().training(0, 1)
