"""Protein sequences: infilling and repair of antibody chains."""

from adaptive_diffusion.tasks.proteins.data import ProteinData
from adaptive_diffusion.tasks.proteins.openings import Repair, Scattered, Window
from adaptive_diffusion.tasks.proteins.task import ProteinTask

__all__ = ["ProteinData", "ProteinTask", "Repair", "Scattered", "Window"]
