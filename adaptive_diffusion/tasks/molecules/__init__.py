"""Molecules as SMILES strings: written anew, or written where something is open. The extra `molecules`."""

from adaptive_diffusion.tasks.molecules.corpora import Moses, Qm9, SmilesFile
from adaptive_diffusion.tasks.molecules.data import MoleculeData
from adaptive_diffusion.tasks.molecules.framing import EndToken, LengthGiven
from adaptive_diffusion.tasks.molecules.new_molecules import NewMolecules
from adaptive_diffusion.tasks.molecules.task import MoleculeTask

__all__ = ["EndToken", "LengthGiven", "MoleculeData", "MoleculeTask", "Moses", "NewMolecules", "Qm9", "SmilesFile"]
