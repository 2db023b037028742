"""What is played and judged: cases, suites, baselines and measured situations."""
