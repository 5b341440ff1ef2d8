"""Files as an attacker might send them: `python tests/hostile_files.py FOLDER` makes the collection.

Each file tries to run code, to write, to be taken for what it is not, or to lead a reader astray; each comes with the
command that opens it and with what the refusal must say. Whatever one of them managed to do would leave a file `owned`.
"""

import json
import shutil
import sys
from pathlib import Path

from hostile.case import CODE, Hostile
from hostile.checkpoints import checkpoints, tasks
from hostile.damaged import pickles, run_folders, traces
from hostile.inputs import edits, experiments, names, queries

from adaptive_diffusion.config.search import package_folder

PUZZLES = "1234341221434321\n.2343412214343.1\n"


def collection(folder: Path) -> list[Hostile]:
    """Writes all files below `folder`, which is also to be the working folder of the commands, and lists the cases."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(package_folder(), folder / "configs")
    (folder / "puzzles.txt").write_text(PUZZLES)
    (folder / "owned_module.py").write_text(f"{CODE}\nclass Net: ...\n")
    (folder / "borrowed").mkdir()
    (folder / "borrowed" / "config.json").write_text(
        json.dumps({"model_type": "mine", "auto_map": {"AutoModelForCausalLM": "modeling.Net"}})
    )
    (folder / "borrowed" / "modeling.py").write_text(f"{CODE}\nclass Net: ...\n")
    makers = (checkpoints, pickles, tasks, experiments, run_folders, traces, queries, names, edits)
    return [case for maker in makers for case in maker(folder)]


if __name__ == "__main__":
    for hostile in collection(Path(sys.argv[1])):
        print(f"{hostile.name}\n  adaptive-diffusion {' '.join(map(repr, hostile.command))}\n  … {hostile.reason} …")
