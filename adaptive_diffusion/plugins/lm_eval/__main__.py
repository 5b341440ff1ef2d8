"""``python -m adaptive_diffusion.plugins.lm_eval``."""

from adaptive_diffusion.plugins.lm_eval import main

main()
