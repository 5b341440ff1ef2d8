"""The simplest rule for a search that may give up: stop at the first complete answer, or after some steps. On the test
rollouts of finished runs. What stands in the file of other tasks and seeds stays.

python experiments/when_learning_to_stop_pays/first_answer.py runs/when_learning_to_stop_pays,maze,*
"""

import argparse
import json
from pathlib import Path

import torch

from adaptive_diffusion.runs.stages.halting_head import rollout_name
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, provenance
from adaptive_diffusion.training.rollouts import Rollouts

RESULTS = Path(__file__).parent / "results"
LIMITS = (2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 64)


def settings(rollouts: Rollouts) -> list[dict[str, float]]:
    """For each limit of steps: the share of right answers, and mean forwards."""
    first, score = rollouts.stopped(rollouts.complete), rollouts.padded(rollouts.score)
    found = []
    for limit in LIMITS:
        steps = first.clamp(max=limit)
        right = score.gather(1, steps[:, None] - 1).double().mean()
        found.append({"limit": limit, "correct": float(right), "forwards": float(rollouts.spent(steps).mean())})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    begun, runs = now(), parser.parse_args().runs
    measured = []
    for run in runs:
        about = json.loads((run / "summary.json").read_text())
        found = settings(Rollouts.load(run / rollout_name("test")))
        measured.append({"task": about["task"], "seed": about["seed"], "settings": found})
    file = RESULTS / "first_answer.json"
    before = json.loads(file.read_text())["runs"] if file.is_file() else []
    together = {(one["task"], one["seed"]): one for one in [*before, *measured]}
    ordered = [one for _, one in sorted(together.items())]
    content = {"runs": ordered, "manifest": provenance("first_answer.py RUNS", begun)}
    atomic_write_file(file, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    with torch.inference_mode():
        main()
