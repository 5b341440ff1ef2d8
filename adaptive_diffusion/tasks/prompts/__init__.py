"""Prompts with a checker as a task: a file, a Hugging Face data set or a generator of reasoning-gym."""

from adaptive_diffusion.tasks.prompts.data import PromptData
from adaptive_diffusion.tasks.prompts.task import PromptTask

__all__ = ["PromptData", "PromptTask"]
