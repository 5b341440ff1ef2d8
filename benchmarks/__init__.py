"""Speed, as ratios measured in one run: `python -m benchmarks [--quick] [NAME …]`, results in `benchmarks/results`."""
