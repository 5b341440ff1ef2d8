"""Gathers runs of `adaptive_beats_thresholds`, a folder a seed, into `results/`: a file a seed and `summary.json`.

python experiments/adaptive_beats_thresholds/collect.py runs/adaptive_beats_thresholds*
"""

import argparse
import json
from pathlib import Path

from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.evaluation.rivals import rivalry
from adaptive_diffusion.storage.atomic_write import atomic_write_file

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="finished run folders, one a seed")
    folders = parser.parse_args().runs
    runs = sorted((read(folder) for folder in folders), key=lambda run: run["seed"])
    for run in runs:
        write(f"seed{run['seed']}.json", run)
    write("summary.json", compared(folders) | {"queries": runs[0]["samplers"][0]["queries"]})


def compared(folders: list[Path]) -> dict:
    """The best learned rule against the best one without learning, over the queries and seeds of all runs."""
    curves = Curves([[ScoredAnswers.of(read_trace(trace)) for trace in traces(folder)] for folder in folders])
    learned = {row["family"] for row in rows(folders[0]) if row["heads"]}
    found = rivalry(curves, sorted(learned))
    if found is None:
        raise SystemExit("the runs hold no learned rule, or no rule without learning with several settings")
    return {**found.to_json(), "curves": curves.to_json(), "seeds": curves.seeds}


def rows(folder: Path) -> list[dict]:
    """The samplers of a run."""
    return json.loads((folder / "summary.json").read_text())["samplers"]


def traces(folder: Path) -> list[Path]:
    """The traces of a run, in the order of its summary."""
    return [folder / "traces" / row["sampler"] for row in rows(folder)]


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
