"""What is on the disk: atomic files, run folders, checkpoints, manifests, exported models, and their comparison."""
