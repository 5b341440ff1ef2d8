"""3-SAT: random formulas around the threshold, MiniSat as exact solver, DIMACS files and a verifier."""

from adaptive_diffusion.tasks.satisfiability.data import SatisfiabilityData
from adaptive_diffusion.tasks.satisfiability.formulas import Formulas, Size
from adaptive_diffusion.tasks.satisfiability.task import SatisfiabilityTask

__all__ = ["Formulas", "SatisfiabilityData", "SatisfiabilityTask", "Size"]
