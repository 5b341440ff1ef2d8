"""Floor 0: the records and protocols that everything above uses. No rules, no networks."""
