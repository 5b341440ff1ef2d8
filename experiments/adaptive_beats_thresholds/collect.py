"""Gathers runs of `adaptive_beats_thresholds`, a folder a seed, into `results/`: a file a seed and `summary.json`.

python experiments/adaptive_beats_thresholds/collect.py runs/adaptive_beats_thresholds*
"""

import argparse
import json
from pathlib import Path

from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.storage.atomic_write import atomic_write_file

RESULTS = Path(__file__).parent / "results"


LEARNED = ("learned", "cost_aware", "q_halting", "policy", "correcting_learned")
"""Rules with a trained halting head or policy; every other family is a rival without learning."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="finished run folders, one a seed")
    folders = parser.parse_args().runs
    runs = sorted((read(folder) for folder in folders), key=lambda run: run["seed"])
    for run in runs:
        write(f"seed{run['seed']}.json", run)
    write("summary.json", compared(folders) | {"queries": runs[0]["samplers"][0]["queries"]})


def compared(folders: list[Path]) -> dict:
    """The best learned rule against the best one without learning, over the queries and seeds of all runs.

    The best learned rule has the largest area under its curve; its rival is the one it gains least over at equal cost.
    """
    curves = Curves([[ScoredAnswers.of(read_trace(trace)) for trace in traces(folder)] for folder in folders])
    learned = [family for family in curves.families if family in LEARNED]
    rivals = [family for family in curves.families if family not in LEARNED]
    costs = curves.shared_costs(learned)
    ours = max(learned, key=lambda family: curves.area(family, costs).value)
    closest = min((curves.compare(ours, rival) for rival in rivals), key=lambda found: found.gain.value)
    against = {rival: curves.compare(ours, rival).to_json() for rival in rivals}
    best = {"best_learned": ours, "best_unlearned": closest.theirs, **closest.to_json()}
    return {**best, "against": against, "seeds": curves.seeds}


def traces(folder: Path) -> list[Path]:
    """The traces of a run, in the order of its summary."""
    rows = json.loads((folder / "summary.json").read_text())["samplers"]
    return [folder / "traces" / row["sampler"] for row in rows]


def read(folder: Path) -> dict:
    """What a run found, with its manifest: what it ran on, its commands, and the seconds of each stage."""
    manifest = json.loads((folder / "manifest.json").read_text())
    commands = [[Path(word).name for word in one["command"]] for one in [*manifest.pop("earlier", []), manifest]]
    marks = {path.stem: json.loads(path.read_text()) for path in sorted((folder / "stages").glob("*.json"))}
    manifest = {key: value for key, value in manifest.items() if key not in ("working_folder", "command", "stages")}
    manifest |= {"commands": commands, "seconds": {name: mark["seconds"] for name, mark in marks.items()}}
    return json.loads((folder / "summary.json").read_text()) | {"manifest": manifest}


def write(name: str, content: dict) -> None:
    RESULTS.mkdir(exist_ok=True)
    atomic_write_file(RESULTS / name, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
