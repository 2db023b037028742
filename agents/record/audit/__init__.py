"""Whether a run's record holds: question by question, from the record alone."""
