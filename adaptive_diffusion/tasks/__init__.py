"""Tasks: data, tokens, verifier and difficulty, a LightningDataModule each."""
