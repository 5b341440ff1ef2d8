"""Adaptive compute and self-correction for discrete diffusion samplers.

The rooms, from the ground up: ``core`` (state, decision, corruption, row noise); ``rules``, ``models`` and ``tasks``;
``sampling``, ``objectives`` and ``evaluation``; ``training`` and ``analysis``; ``config``, ``runs`` and ``cli``.
A room imports only from the floors below it.
"""

__version__ = "0.1.0"
