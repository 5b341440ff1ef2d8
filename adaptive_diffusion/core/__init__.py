"""The records and protocols that every other package uses. No rules, no networks."""
