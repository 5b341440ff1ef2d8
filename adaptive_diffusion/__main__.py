"""``python -m adaptive_diffusion`` and the ``adaptive-diffusion`` script."""

from adaptive_diffusion.cli import main

if __name__ == "__main__":
    main()
