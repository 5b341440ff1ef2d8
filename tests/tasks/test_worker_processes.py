"""Evaluation sends a task to worker processes, so every task can be sent."""

import pickle

import pytest
from task_data import DATA, WITHOUT_TRAINING


@pytest.mark.parametrize("kind", DATA, ids=lambda kind: kind.__name__)
def test_task_can_be_sent_to_a_process(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    task = DATA[kind](tmp_path).task
    assert pickle.loads(pickle.dumps(task)).name == task.name


@pytest.mark.parametrize("kind", WITHOUT_TRAINING, ids=lambda kind: kind.__name__)
def test_task_without_training_problems_can_be_sent_to_a_process(kind):
    task = WITHOUT_TRAINING[kind]().task
    assert pickle.loads(pickle.dumps(task)).name == task.name
