"""Floor 2: what training minimises, as functions of tensors. No Lightning."""
