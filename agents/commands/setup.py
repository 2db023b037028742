"""`doctor`: whether everything that twinops needs is there."""

from pathlib import Path

import typer

from .options import Json, Runs
from .output import FAILURE, emit, say


def doctor(runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """Say whether everything that twinops needs is there. Secrets are looked for, never printed."""
    from .doctor import examine

    findings = examine(runs)
    broken = [finding for finding in findings if finding.state == "broken"]
    if as_json:
        emit("doctor", {"healthy": not broken, "findings": [finding.model_dump() for finding in findings]})
    else:
        from agents.show.tables import text_table

        rows = [(finding.name, finding.state, finding.detail, finding.fix) for finding in findings]
        say(text_table(("what", "state", "detail", "to change it"), rows))
    if broken:
        raise typer.Exit(FAILURE)
