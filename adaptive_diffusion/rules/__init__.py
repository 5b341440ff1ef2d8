"""Rules without state; each is an immutable value. Defaults are the papers' values."""
