"""The commands. Nothing heavy is imported before a command runs, so that ``--help`` answers at once."""

from adaptive_diffusion.cli.app import main

__all__ = ["main"]
