"""The gate: whether a plan may pass, by one rulebook, and the proof that it did."""
