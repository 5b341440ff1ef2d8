"""Denoisers whose weights come from elsewhere: checkpoints of the `transformers` ecosystem.

`loading` opens a checkpoint, `ids` reads its special tokens, `cut` separates its trunk from its output layer,
`denoiser` says what all families share, `families` how each differs, `diffusion_gemma` brings encoder cache and
sequence, `adapters` are what learns.
"""

from adaptive_diffusion.models.pretrained.denoiser import PretrainedDenoiser
from adaptive_diffusion.models.pretrained.diffusion_gemma import DiffusionGemma
from adaptive_diffusion.models.pretrained.families import Dream, LLaDA, LLaDA2, MaskedLanguageModel

__all__ = ["DiffusionGemma", "Dream", "LLaDA", "LLaDA2", "MaskedLanguageModel", "PretrainedDenoiser"]
