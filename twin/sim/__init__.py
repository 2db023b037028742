"""The simulator: what a network state carries, and what it cannot."""
