"""The report of an evaluation: one page that needs nothing else, failures first."""

from .page import write_report

__all__ = ["write_report"]
