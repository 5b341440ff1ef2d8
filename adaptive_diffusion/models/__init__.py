"""Networks: denoisers and their heads. No losses, no loops."""
