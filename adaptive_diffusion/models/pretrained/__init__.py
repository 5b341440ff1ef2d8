"""Denoisers whose weights come from elsewhere: checkpoints of the `transformers` ecosystem.

`loading` opens a checkpoint, `pickles` names those that are refused, `remote_code` explains errors of code beside the
weights, `weights` checks these, `ids` reads special tokens, `cut` separates the trunk from the output layer, `padding`
measures what padding changes. `denoiser` holds what all families share, `families` how each differs, `symbols` those of
single symbols, `diffusion_gemma` the one with an encoder, `adapters` the parameters that learn; `parts` finds denoiser
and heads in a model.
"""

from adaptive_diffusion.models.pretrained.denoiser import PretrainedDenoiser
from adaptive_diffusion.models.pretrained.diffusion_gemma import DiffusionGemma
from adaptive_diffusion.models.pretrained.families import Dream, LLaDA, LLaDA2, MaskedLanguageModel
from adaptive_diffusion.models.pretrained.symbols import SymbolLanguageModel

__all__ = [
    "DiffusionGemma",
    "Dream",
    "LLaDA",
    "LLaDA2",
    "MaskedLanguageModel",
    "PretrainedDenoiser",
    "SymbolLanguageModel",
]
