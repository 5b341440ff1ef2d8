"""Processes that train together get other problems, for every task of the package."""

import json
from itertools import islice

import pytest
import torch

from adaptive_diffusion.tasks.prompts import PromptData
from adaptive_diffusion.tasks.sudoku import SudokuDataModule
from adaptive_diffusion.tasks.text import TextDataModule

TEXT = "".join(f"line number {number} of a text\n" for number in range(400))


@pytest.fixture(params=["sudoku", "text", "prompts"])
def data(request, tmp_path):
    (tmp_path / "text.txt").write_text(TEXT)
    (tmp_path / "rows.jsonl").write_text(
        "\n".join(json.dumps({"prompt": f"{number}?", "answer": str(number + 1)}) for number in range(300))
    )
    return {
        "sudoku": lambda: SudokuDataModule(6, batch_size=8),
        "text": lambda: TextDataModule(32, str(tmp_path / "text.txt"), batch_size=8),
        "prompts": lambda: PromptData(str(tmp_path / "rows.jsonl"), length=16, answer_length=8, batch_size=8),
    }[request.param]()


def test_two_processes_see_other_problems_and_together_all_of_one(data):
    def targets(part, parts, count):
        return [data.task.targets(problems) for problems in islice(data.train_stream(part=part, parts=parts), count)]

    alone = targets(0, 1, 4)
    first, second = targets(0, 2, 2), targets(1, 2, 2)
    assert all(torch.equal(*pair) for pair in zip([first[0], second[0], first[1], second[1]], alone, strict=True))
    assert {tuple(row) for row in torch.cat(first).tolist()}.isdisjoint(
        {tuple(row) for row in torch.cat(second).tolist()}
    )
