"""Rules that decide over all positions at once: what is written, what is taken back, and where the clock goes."""
