"""An audit, put into text."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from agents.record.audit.audit import QUESTIONS, AuditReport
from agents.wording import counted
from twin.untrusted import one_line, visible

from .tables import text_table

_SHADES = {"holds": "green", "broken": "bold red", "cannot be told": "yellow"}


def audit_text(report: AuditReport) -> Iterator[RenderableType]:
    """Tell what holds, and then who decided what."""
    yield f"run {visible(report.run)}: {report.outcome}, {counted(report.records, 'records')}, head {report.head}"
    answered = [
        (QUESTIONS[question], Text(found, style=_SHADES[found]), one_line(report.reasons.get(question, ""), 160))
        for question, found in report.findings.items()
    ]
    yield text_table(("what", "finding", "because"), answered)
    rows = [
        (str(x.record), x.time, one_line(x.who, 40), _what(x.what), one_line(x.because, 160), _list(x.evidence))
        for x in report.trail
    ]
    yield text_table(("record", "time (UTC)", "who", "what", "because", "evidence"), rows, spare=("evidence",))


def _what(text: str) -> str:
    return one_line(text)


def _list(evidence: tuple[str, ...]) -> str:
    return ", ".join(one_line(x, 90) for x in evidence)
