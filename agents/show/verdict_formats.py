"""A verdict for pipelines: Markdown for a comment on a pull request, JUnit XML for a test report.

Names come from files: in Markdown they stand escaped, in XML quoted.
"""

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from agents.wording import against, where
from twin.gate.verdict import Verdict
from twin.untrusted import one_line


def as_markdown(verdict: Verdict, steps: Sequence[str], others: Sequence[str], *, passed: bool) -> str:
    """Return the verdict as a heading, the steps, and one table of checks."""
    lines = [f"### Network change: {'safe' if passed else 'REJECTED'}", ""]
    lines += [f"{number}. {_plain(step)}" for number, step in enumerate(steps, start=1)]
    lines += ["", "| check | result | detail |", "|---|---|---|"]
    for check in verdict.checks:
        detail = _plain(check.detail)
        if check.counterexample is not None and not check.passed:
            example = check.counterexample
            detail += f"<br>{_plain(where(example))}{f': {told}' if (told := against(example)) else ''}"
        lines.append(f"| {check.name} | {'passed' if check.passed else '**FAILED**'} | {detail} |")
    if others:
        lines += ["", "Not judged, because no step expresses it:", "", *(f"- {_plain(text)}" for text in others)]
    lines += ["", f"Plan `{verdict.plan}` on snapshot `{verdict.snapshot}` under policy `{verdict.policy}`.", ""]
    return "\n".join(lines)


def as_junit(verdict: Verdict, unjudged: Sequence[str]) -> str:
    """Return the verdict as one suite with a case per check, and one more where something could not be judged."""
    failed = sum(not check.passed for check in verdict.checks) + bool(unjudged)
    cases = [_case(check.name, check.detail, passed=check.passed) for check in verdict.checks]
    if unjudged:
        cases.append(_case("wholly judged", "; ".join(unjudged), passed=False))
    head = f'<testsuite name="twinops verify" tests="{len(cases)}" failures="{failed}" errors="0">'
    return "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>"))


def _case(name: str, detail: str, *, passed: bool) -> str:
    start = f'  <testcase classname="twinops" name={quoteattr(name)}'
    said = one_line(detail, 2_000)
    if passed:
        return f"{start}><system-out>{escape(said)}</system-out></testcase>"
    return f"{start}><failure message={quoteattr(said)}/></testcase>"


def _plain(text: str) -> str:
    """One line of Markdown in which nothing of the text is markup."""
    return (
        re.sub(r"([\\`*_{}\[\]()#+!|<>~@&])", r"\\\1", one_line(text, 600))
        .replace("\\<", "&lt;")
        .replace("\\>", "&gt;")
    )
