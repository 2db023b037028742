"""`resume`, `replay`, `audit` and `runs`: what becomes of runs that are there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from .options import Json, Run, Runs, limits
from .output import FAILURE, INTERRUPTED, REJECTED, RunInterruptedError, emit, say, tell

if TYPE_CHECKING:
    from agents.record.waiting import Pending


def resume(
    run: Run,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="Its policy, given again: takes over a run that was started elsewhere."),
    ] = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Take up a run that was killed, wherever it was, and bring it to its end. Nothing is done twice.

    The exit code is that of the run. A run that has ended is left as it is; one that this place does not know is
    refused, unless its policy is given again.
    """
    from agents.record.questions import take_default
    from twin.clock import utc_now

    folder = folder_of(run, runs)
    taken = take_default(folder, clock=utc_now)
    if taken is not None:
        tell(f"nobody has answered in time: {taken}")
    take_up("resume", folder, as_json=as_json, policy=policy)


def replay(run: Run, runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """Go through a run once more without any model, and say whether every decision comes out the same.

    Exit code 1 means that one does not.
    """
    import asyncio

    from agents.record.history import understood
    from agents.run.replay import replay_run

    folder = folder_of(run, runs)
    with understood(folder):
        told = asyncio.run(replay_run(folder))
    if as_json:
        emit("replay", told.model_dump(mode="json"))
    else:
        say(f"{told.run}: {told.followed} of {told.records} records gone through, every decision {told.verdict}")
        for line in told.remarks:
            say(line)
    if not told.same:
        raise typer.Exit(FAILURE)


def audit(
    run: Run,
    head: Annotated[
        str | None, typer.Option("--head", help="The last record's whole hash, as it was kept elsewhere.")
    ] = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Hold a run's record against the operator's home and the network, and tell who decided what on which evidence.

    Each question is answered with holds, broken or cannot be told. Exit code 3 means that something is broken, 1 that
    nothing is, but something cannot be told.
    """
    from agents.record.audit.audit import audit_run
    from agents.record.history import understood
    from agents.record.home import home_folder
    from agents.show.audit_text import audit_text

    folder = folder_of(run, runs)
    with understood(folder):
        report = audit_run(folder, home=home_folder(), head=head)
    if as_json:
        emit("audit", {"sound": report.sound, **report.model_dump(mode="json")})
    else:
        for part in audit_text(report):
            say(part)
    if not report.sound:
        raise typer.Exit(REJECTED if report.broken else FAILURE)


def list_runs(
    outcome: Annotated[str | None, typer.Option("--outcome", help="Only runs that ended so, or unfinished.")] = None,
    network: Annotated[str | None, typer.Option("--network", "-n", help="Only runs on this network.")] = None,
    waiting: Annotated[bool, typer.Option("--pending", help="Only plans that wait for people.")] = False,
    sql: Annotated[str | None, typer.Option("--sql", help="One SELECT of the tables run and record.")] = None,
    room: Annotated[
        Path | None, typer.Option("--room", help="Room of a watch: its samples are the table link_sample of --sql.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Runs to show.")] = 20,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """List the runs, the newest first, or ask their journals a question in SQL."""
    from agents.record import runs as folder
    from agents.record.outcome import Outcome
    from agents.show.tables import text_table

    if waiting:
        list_waiting("runs", runs, as_json=as_json)
    elif sql is not None:
        _query(sql, runs, room, as_json=as_json)
    else:
        if outcome is not None and outcome not in (ways := (*get_args(Outcome), "unfinished")):
            raise typer.BadParameter(f"--outcome is one of {', '.join(ways)}")
        listing = folder.survey(runs)
        entries, unreadable = listing.only(outcome=outcome, network=network, top=top), listing.unreadable
        if as_json:
            emit("runs", {"runs": [entry.model_dump(mode="json") for entry in entries], "unreadable": unreadable})
        else:
            rows = [
                (x.run, x.state if x.process is None else f"running ({x.process})", x.outcome, x.model, str(x.records))
                for x in entries
            ]
            rows += [(name, "unreadable", why, "", "") for name, why in unreadable.items()]
            if rows:
                say(text_table(("run", "state", "outcome", "model", "records>"), rows, spare=("records", "model")))
            else:
                such = "no such runs" if listing.entries else "no runs"
                say(f"{such} in {runs}: `twinops run` makes one, --runs names another folder")


def _query(sql: str, runs: Path, room: Path | None, *, as_json: bool) -> None:
    """Ask the journals of the runs, and the samples of a room where one is named."""
    from agents.record import runs as folder
    from agents.show.tables import text_table
    from twin.store.archive import SAMPLES

    found = folder.query_runs(runs, sql, samples=None if room is None else room / SAMPLES)
    if as_json:
        emit("runs", {"columns": list(found.columns), "rows": [list(row) for row in found.rows]})
    else:
        say(text_table(found.columns, [[str(x) if x is not None else "" for x in row] for row in found.rows]))
    if found.truncated:
        tell(f"only the first {folder.ROWS:,} rows are shown")


def folder_of(run: str, runs: Path) -> Path:
    """Return the folder of a run that is given by its place or by its name in the folder of runs."""
    from twin.files import exists

    return Path(run) if exists(run) else runs / run


def take_up(
    command: str, folder: Path, *, as_json: bool, impact: dict[str, Any] | None = None, policy: Path | None = None
) -> None:
    """Let a run go on to its end, show it, and end with its exit code."""
    from agents.show.console import Screen, summary_panel

    from .shell import resume_shown

    named = limits(policy) if policy else None
    summary, code = resume_shown(folder, screen=Screen(), policy=named)
    if as_json:
        emit(command, {**summary.model_dump(mode="json"), **({"impact": impact} if impact else {})})
    else:
        say(summary_panel(summary))
    raise RunInterruptedError if code == INTERRUPTED else typer.Exit(code)


def list_waiting(command: str, runs: Path, *, as_json: bool) -> None:
    """List the plans that wait for somebody's approval."""
    from agents.record.home import home_folder
    from agents.record.waiting import pending
    from twin.clock import utc_now

    found = pending(runs, utc_now(), home_folder())
    if as_json:
        emit(command, {"pending": [one.model_dump(mode="json") for one in found]})
        return
    from agents.show.tables import text_table

    if found:
        rows = [(one.plan, one.run, one.tier, _people(one), _until(one), one.goal) for one in found]
        say(text_table(("plan", "run", "risk", "approvals", "expires", "goal"), rows))
    else:
        say("no plan waits for anybody")


def _people(one: "Pending") -> str:
    if one.refused:
        return "refused"
    return f"{len(one.approved)} of {one.asked}" if one.asked else "a suggestion only"


def _until(one: "Pending") -> str:
    return f"{one.expires:%F %H:%M} UTC" + (", expired" if one.expired else "")
