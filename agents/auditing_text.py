"""An audit, put into text."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from .auditing import AuditReport
from .tables import text_table
from .wording import one_line, visible

_SHADES = {"holds": "green", "does not hold": "bold red", "not checked": "dim"}


def audit_text(report: AuditReport) -> Iterator[RenderableType]:
    """Tell what holds, and then who decided what."""
    yield Text(f"run {report.run}: {report.outcome}, {report.records} records, head {report.head}", style="bold")
    checked = (
        ("chain of the records", report.chain),
        ("head, as it was kept elsewhere", report.expected_head),
        ("certificate's signature", report.certificate),
        ("people's signatures", report.approvals),
        ("changes to the network are those on record", report.effects),
    )
    yield text_table(("what", "finding"), [(name, Text(found, style=_SHADES[found])) for name, found in checked])
    if report.torn:
        yield Text("The last line was cut off while it was written; it is left out.", style="yellow")
    rows = [
        (str(x.record), x.time, x.who, _what(x.what), one_line(x.because, 160), ", ".join(x.evidence))
        for x in report.trail
    ]
    yield text_table(("record", "time (UTC)", "who", "what", "because", "evidence"), rows)


def _what(text: str) -> str:
    return one_line(visible(text), 90)
