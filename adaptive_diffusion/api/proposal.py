"""Proposal: which token would stand here? `Proposal` is the base of a rule of your own."""

from adaptive_diffusion.core.rule import Proposal
from adaptive_diffusion.core.state import Candidate
from adaptive_diffusion.rules.proposal import Argmax, Draw, DrawAgain

__all__ = ["Argmax", "Candidate", "Draw", "DrawAgain", "Proposal"]
