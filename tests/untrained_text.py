"""An untrained denoiser of texts of 48 bytes, and the task it is for."""

MODEL = {
    "_target_": "adaptive_diffusion.models.heads.DenoiserWithHeads",
    "denoiser": {
        "_target_": "adaptive_diffusion.models.transformer.TransformerDenoiser",
        "vocabulary": 257,
        "width": 16,
        "depth": 1,
        "heads": 2,
        "positions": {"_target_": "adaptive_diffusion.models.positions.RotaryPositions.line", "length": 48},
    },
}
TASK = {"_target_": "adaptive_diffusion.tasks.text.TextDataModule", "length": 48}
