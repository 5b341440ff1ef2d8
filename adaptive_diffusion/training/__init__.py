"""Floor 3: LightningModules that inject parts and log. No mathematics."""
