"""The report of a run: read from its folder alone, written as one page that needs nothing else."""

from .folder import read_run, write_report

__all__ = ["read_run", "write_report"]
