"""Speed as ratios: each case and its baseline are measured in one run. Start with `python -m benchmarks`."""
