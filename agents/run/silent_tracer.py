# ruff: noqa: ANN401 (what a tracer is asked is passed on as it is)
"""A tracer that is silent while a run only recalls what it did: nothing is told twice.

The first span is the run's own. It is told whatever there is to recall: all that follows hangs on it, as one trace.
"""

from contextlib import AbstractContextManager
from typing import Any

from opentelemetry.trace import NoOpTracer, Span, Tracer

from agents.record.journal import Journal


class SilentTracer(Tracer):
    """Passes spans on once the journal has nothing left to recall, and the run's own at once."""

    def __init__(self, tracer: Tracer, journal: Journal) -> None:
        self._loud, self._silent, self._journal = tracer, NoOpTracer(), journal
        self._begun = False

    def start_span(self, name: str, *args: Any, **options: Any) -> Span:
        """Start a span, or one that goes nowhere."""
        return self._now.start_span(name, *args, **options)

    def start_as_current_span(self, name: str, *args: Any, **options: Any) -> AbstractContextManager[Span]:  # pyright: ignore[reportIncompatibleMethodOverride] - the real one is a decorator as well, which nothing here uses
        """Start a span and make it the current one; one that goes nowhere leaves the current one as it is."""
        return self._now.start_as_current_span(name, *args, **options)

    @property
    def _now(self) -> Tracer:
        if self._begun and self._journal.recorded.ahead:
            return self._silent
        self._begun = True
        return self._loud
