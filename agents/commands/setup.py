"""`doctor`: whether everything that twinops needs is there."""

from pathlib import Path

import typer

from .options import Json, Runs, SiteFile
from .output import FAILURE, emit, say


def doctor(runs: Runs = Path("runs"), site: SiteFile = None, as_json: Json = False) -> None:
    """Say whether everything that twinops needs is there, and with --site what each source of your network gives.

    Secrets are looked for, never printed.
    """
    from twin.clock import utc_now

    from .doctor import examine, examine_site

    findings = examine(runs) if site is None else examine_site(site, utc_now)
    broken = [finding for finding in findings if finding.state == "broken"]
    if as_json:
        emit("doctor", {"healthy": not broken, "findings": [finding.model_dump() for finding in findings]})
    else:
        from agents.show.tables import text_table

        say(text_table(("what", "state", "detail"), [(x.name, x.state, x.detail) for x in findings]))
        if fixes := [f"{x.name}: {x.fix}" for x in findings if x.fix]:
            say("\n".join(("", "to change it", *fixes)))
    if broken:
        raise typer.Exit(FAILURE)
