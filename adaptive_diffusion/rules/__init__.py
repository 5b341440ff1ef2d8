"""Floor 1: pure rules, a value each. Defaults are the papers' values."""
