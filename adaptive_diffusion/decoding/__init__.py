"""The autoregressive loop, with continuous batching of its own."""

from adaptive_diffusion.decoding.decoder import Decoded, Decoder

__all__ = ["Decoded", "Decoder"]
