"""What needs an extra of its own: other engines, other harnesses. Nothing here is imported before it is used."""
