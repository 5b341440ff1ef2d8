"""Run folders, checkpoints, and the stages of an experiment."""
