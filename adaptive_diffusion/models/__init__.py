"""Floor 1: networks only. No losses, no loops."""
