"""The report of a run: read from its folder alone, written as one page that needs nothing else."""
