"""Text as a task: bytes or any tokeniser, corpora, windows, code to be filled in."""

from adaptive_diffusion.tasks.text.data import TextDataModule
from adaptive_diffusion.tasks.text.task import TextTask

__all__ = ["TextDataModule", "TextTask"]
