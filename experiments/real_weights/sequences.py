"""Writes heavy chains to a FASTA file: V(D)J recombinations drawn by OLGA, translated, without mutations.

pip install olga==1.3.0
python experiments/real_weights/sequences.py imported/heavy_chains.fasta --count 6000 --seed 0

OLGA (Sethna et al. 2019, Bioinformatics 35:2974; GPLv3, which this project is not) runs as a program of its own. It
draws productive third loops with their V and J genes; the germline genes of its human model are put around them: the V
gene up to the cysteine at 104, the loop, the J gene behind the residue at 118. Equal chains are written once.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from adaptive_diffusion.storage.atomic_write import atomic_write_file

BASES = "TCAG"
CODONS = [a + b + c for a in BASES for b in BASES for c in BASES]
RESIDUES = dict(
    zip(CODONS, "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG", strict=True)
)  # the standard genetic code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=6000, help="recombinations that are drawn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=int, default=136, help="residues; longer chains are left out")
    options = parser.parse_args()
    found = find_spec("olga")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("olga is not installed: pip install olga==1.3.0")
    model = Path(found.submodule_search_locations[0], "default_models", "human_B_heavy")
    genes = {kind: germline(model, kind) for kind in "VJ"}
    chains = {}
    for loop, v, j in recombinations(options.count, options.seed):
        chain = assembled(loop, genes["V"].get(v), genes["J"].get(j))
        if chain is not None and len(chain) <= options.longest:
            chains.setdefault(chain, f">h{len(chains)} v={v} j={j}")
    lines = [line for chain, header in chains.items() for line in (header, chain)]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_file(options.out, "\n".join(lines) + "\n")
    print(f"{options.out}: {len(chains)} different heavy chains of {options.count} recombinations")


def recombinations(count: int, seed: int) -> list[tuple[str, str, str]]:
    """Nucleotides of the third loop, V gene and J gene."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "drawn.tsv")
        command = [sys.executable, "-m", "olga.generate_sequences", "--humanIGH", "-n", str(count), "--seed", str(seed)]
        subprocess.run([*command, "--time_updates_off", "-o", str(file)], check=True, capture_output=True)
        return [(row[0], row[2], row[3]) for row in csv.reader(file.open(), delimiter="\t")]


def germline(model: Path, kind: str) -> dict[str, tuple[str, int]]:
    """Gene → nucleotides, and where its residue at 104 (V) or 118 (J) begins; by its name without the allele."""
    with (model / f"{kind}_gene_CDR3_anchors.csv").open() as file:
        anchors = {row["gene"]: int(row["anchor_index"]) for row in csv.DictReader(file) if row["function"] == "F"}
    found: dict[str, tuple[str, int]] = {}
    for line in (model / "model_params.txt").read_text().splitlines():
        if line.startswith(f"%IGH{kind}"):
            name, bases, _ = line[1:].split(";")
            if name in anchors:
                found.setdefault(name.partition("*")[0], (bases, anchors[name]))
                found[name] = (bases, anchors[name])
    return found


def assembled(loop: str, v: tuple[str, int] | None, j: tuple[str, int] | None) -> str | None:
    """The residues of a heavy chain; None where a gene is not functional or the chain has a stop."""
    if v is None or j is None:
        return None
    (before, at), (after, end) = v, j
    bases = before[at % 3 : at] + loop + after[end + 3 :]
    chain = "".join(RESIDUES.get(bases[place : place + 3], "*") for place in range(0, len(bases) - 2, 3))
    return None if "*" in chain else chain


if __name__ == "__main__":
    main()
