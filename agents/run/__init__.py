"""A run from its first look to its end: staging, the four stages, execution, resuming, replaying."""
