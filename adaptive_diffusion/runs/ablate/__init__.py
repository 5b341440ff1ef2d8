"""Sweeps: many cells of one experiment or one sampler, done once each, and what they say together."""
