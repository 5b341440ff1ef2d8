"""Floor 0: the vocabulary everything above speaks. No rules, no networks."""
