"""Gathers runs of `adaptive_beats_thresholds`, a folder a seed, into `results/`: a file a seed and `summary.json`.

python experiments/adaptive_beats_thresholds/collect.py runs/adaptive_beats_thresholds*
"""

import argparse
import json
from pathlib import Path
from statistics import mean

from adaptive_diffusion.storage.atomic_write import atomic_write_file

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="finished run folders, one a seed")
    runs = sorted((read(folder) for folder in parser.parse_args().runs), key=lambda run: run["seed"])
    for run in runs:
        write(f"seed{run['seed']}.json", run)
    policies = [next(row for row in run["samplers"] if row["sampler"] == run["comparison"]["policy"]) for run in runs]
    gains = [run["comparison"]["gain"] for run in runs]
    if None in gains:
        parser.error("a run has no comparison at equal mean NFE; add a threshold that spends as much as the policy")
    write(
        "summary.json",
        {
            "exact": mean(row["exact"] for row in policies),
            "nfe_mean": mean(row["nfe_mean"] for row in policies),
            "gain_over_threshold": mean(gain["value"] for gain in gains),
            # The weakest seed's: every seed has to lie above its curve.
            "gain_over_threshold_ci_low": min(gain["low"] for gain in gains),
            "seeds": len(runs),
            "queries": policies[0]["queries"],
        },
    )


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
