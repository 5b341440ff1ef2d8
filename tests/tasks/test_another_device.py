"""Training checks answers where the model computes, so tasks do so on every device."""

import pytest
import torch
from fake_device import fake_device
from task_data import DATA


@pytest.mark.parametrize("kind", DATA, ids=lambda kind: kind.__name__)
def test_answers_are_graded_alike_on_another_device(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    batch = (data := DATA[kind](tmp_path)).batch(next(iter(data.train_stream())))
    answers = batch.clean.clone()
    answers[1::2] = answers[1::2].flip(1)
    here = data.task.grades(answers, batch.problems)
    with fake_device() as device:
        there = data.task.grades(answers.to(device), batch.problems.to(device))
        assert {name: value.device.type for name, value in there.items()} == dict.fromkeys(here, device.type)
        back = {name: value.cpu() for name, value in there.items()}
    torch.testing.assert_close(back, here, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("kind", DATA, ids=lambda kind: kind.__name__)
def test_a_batch_is_scored_alike_on_another_device(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    batch = (data := DATA[kind](tmp_path)).batch(next(iter(data.train_stream())))
    here = batch.score(batch.clean)
    with fake_device() as device:
        there = batch.to(device)
        found = there.score(there.clean).cpu()
    torch.testing.assert_close(found, here, rtol=0, atol=0)
