"""Prompts with a checker: sums of two numbers, and whether those with a carry take more forwards.

python examples/prompts.py
"""

import json
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from plain_training import compare, train

import adaptive_diffusion as ad
from adaptive_diffusion.tasks.prompts import PromptData


def write_sums(path: Path) -> None:
    """A file of prompts, answers and a difficulty; a CSV file with these columns would do as well."""
    with path.open("w") as file:
        for a, b in product(range(10, 100), repeat=2):
            row = {"prompt": f"{a}+{b}=", "answer": str(a + b), "carry": int(a % 10 + b % 10 > 9)}
            file.write(json.dumps(row) + "\n")


def main(steps: int = 1500) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sums.jsonl"
        write_sums(path)
        options = {"difficulty": "carry", "length": 12, "answer_length": 4, "held_out_prompts": 200}
        data = PromptData(str(path), checker="numeric", **options)
        model = train(data, steps)
        compare(model, data)
        result = ad.Sampler(model, pace=ad.pace.Threshold(0.9)).sample(data.task.queries(data.test))
        carry = data.task.difficulty(data.test)["carry"]
        for group in (0, 1):
            print(f"carry {group}: {result.nfe[carry == group].double().mean():.2f} NFE")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
