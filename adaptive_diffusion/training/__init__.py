"""Training states and the LightningModules that put parts together and log. No mathematics."""
