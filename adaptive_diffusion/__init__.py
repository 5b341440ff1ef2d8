"""Adaptive compute and self-correction for discrete diffusion samplers.

The rooms, from the bottom up: ``core``; ``rules``, ``models`` and ``tasks``; ``sampling``, ``decoding``, ``objectives``
and ``evaluation``; ``training`` and ``analysis``; ``config``; ``storage``; ``runs``; ``plugins``; ``cli``. A room
imports rooms on lower floors only.
"""

__version__ = "0.1.0"
