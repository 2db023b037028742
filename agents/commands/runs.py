"""`resume`, `answer`, `approve`, `reject`, `replay`, `audit` and `runs`: what becomes of runs that are there."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .options import Json, Runs, limits
from .output import FAILURE, INTERRUPTED, REJECTED, RunInterruptedError, emit, say, tell

if TYPE_CHECKING:
    from agents.record.questions import OpenQuestion
    from agents.record.waiting import Decided, Pending

Run = Annotated[str, typer.Argument(help="A run's folder, or its name in the folder of runs.", show_default=False)]
Waiting = Annotated[
    str | None, typer.Argument(help="A run, or the first digits of a plan's hash; none lists.", show_default=False)
]
Who = Annotated[str | None, typer.Option("--as", help="Your name, if it is not that of your account.")]
Key = Annotated[Path | None, typer.Option("--key", help="Your key file, if it is not at its usual place.")]
Reason = Annotated[str, typer.Option("--reason", help="Why: it is signed and kept.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask back on a terminal.")]


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

    folder = _folder(run, runs)
    taken = take_default(folder, clock=utc_now)
    if taken is not None:
        tell(f"nobody has answered in time: {taken}")
    _take_up("resume", folder, as_json=as_json, policy=policy)


def answer(
    run: Annotated[str | None, typer.Argument(help="A run that waits; none lists.", show_default=False)] = None,
    choice: Annotated[str | None, typer.Argument(help="A choice, or its number.", show_default=False)] = None,
    who: Who = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Answer the question that a run waits with, and let it go on; without a run, list the questions that wait."""
    from agents.record import questions
    from agents.record.history import read_past
    from twin.clock import utc_now

    if run is None:
        _list_questions(runs, as_json=as_json)
    elif choice is None:
        asked = questions.question_of(read_past(_folder(run, runs)))
        if as_json:
            emit("answer", asked.model_dump(mode="json"))
        else:
            _say_question(asked)
    else:
        folder = _folder(run, runs)
        chosen = questions.answer(folder, choice, who=who or _account(), clock=utc_now)
        tell(f"answered: {chosen}")
        _take_up("answer", folder, as_json=as_json)


def _list_questions(runs: Path, *, as_json: bool) -> None:
    from agents.record.questions import open_questions

    found = open_questions(runs)
    if as_json:
        emit("answer", {"questions": [one.model_dump(mode="json") for one in found]})
    elif not found:
        say("no question waits for anybody")
    for one in () if as_json else found:
        _say_question(one)


def _say_question(asked: "OpenQuestion") -> None:
    from twin.untrusted import one_line

    say(f"{asked.run}: {one_line(asked.question, 400)}")
    for number, choice in enumerate(asked.choices, start=1):
        say(f"  {number}  {one_line(choice, 120)}{' (default)' if choice == asked.default else ''}")
    say(f"  the default is taken by `twinops resume {asked.run}` from {asked.until:%F %H:%M} UTC on")


def approve(
    plan: Waiting = None,
    who: Who = None,
    key: Key = None,
    reason: Reason = "",
    new_key: Annotated[bool, typer.Option("--new-key", help="Make your key and be known by it.")] = False,
    up_to: Annotated[
        Literal["low", "medium", "high"], typer.Option(help="With a new key: the highest risk you may answer for.")
    ] = "high",
    yes: Yes = False,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Approve a plan that waits, see what it would do, and have it executed; without a plan, list what waits.

    When the policy asks for two people, the first approval is kept, and the second one has the plan executed.
    """
    if new_key:
        _enrol(who, up_to, runs, as_json=as_json)
    elif plan is None:
        _list_waiting("approve", runs, as_json=as_json)
    else:
        decided, impact = _decide("approve", plan, runs, who, key, reason, yes=yes, as_json=as_json)
        if decided.goes_on:
            _take_up("approve", decided.folder, as_json=as_json, impact=impact)
        elif as_json:
            emit("approve", {"run": decided.folder.name, "waits_for": decided.waits_for, "impact": impact})
        else:
            left = decided.waits_for
            say(f"approved; {left} more {'person has' if left == 1 else 'people have'} to approve it")


def reject(
    plan: Annotated[str, typer.Argument(help="A run, or the first digits of a plan's hash.", show_default=False)],
    who: Who = None,
    key: Key = None,
    reason: Reason = "",
    yes: Yes = False,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Reject a plan that waits: its run ends, and nothing is changed."""
    decided, impact = _decide("reject", plan, runs, who, key, reason, yes=yes, as_json=as_json)
    folder = decided.folder
    from agents.show.report.folder import write_report
    from agents.show.report.recorded import read_run
    from agents.show.report.summary import summarise

    write_report(folder)
    summary = summarise(read_run(folder), folder)
    if as_json:
        emit("reject", {**summary.model_dump(mode="json"), "impact": impact})
    else:
        from agents.show.console import summary_panel

        say(summary_panel(summary))


def replay(run: Run, runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """Go through a run once more without any model, and say whether every decision comes out the same.

    Exit code 1 means that one does not.
    """
    import asyncio

    from agents.record.history import understood
    from agents.run.replay import replay_run

    folder = _folder(run, runs)
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

    folder = _folder(run, runs)
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
    from agents.show.tables import text_table

    if waiting:
        _list_waiting("runs", runs, as_json=as_json)
    elif sql is not None:
        from twin.store.archive import SAMPLES

        found = folder.query_runs(runs, sql, samples=None if room is None else room / SAMPLES)
        if as_json:
            emit("runs", {"columns": list(found.columns), "rows": [list(row) for row in found.rows]})
        else:
            say(text_table(found.columns, [[str(x) if x is not None else "" for x in row] for row in found.rows]))
        if found.truncated:
            tell(f"only the first {folder.ROWS:,} rows are shown")
    else:
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
                say(text_table(("run", "state", "outcome", "model", "records"), rows))
            else:
                such = "no such runs" if listing.entries else "no runs"
                say(f"{such} in {runs}: `twinops run` makes one, --runs names another folder")


def _folder(run: str, runs: Path) -> Path:
    from twin.files import exists

    return Path(run) if exists(run) else runs / run


def _take_up(
    command: str, folder: Path, *, as_json: bool, impact: dict[str, Any] | None = None, policy: Path | None = None
) -> None:
    from agents.show.console import Screen, summary_panel

    from .shell import resume_shown

    named = limits(policy) if policy else None
    summary, code = resume_shown(folder, screen=Screen(), policy=named)
    if as_json:
        emit(command, {**summary.model_dump(mode="json"), **({"impact": impact} if impact else {})})
    else:
        say(summary_panel(summary))
    raise RunInterruptedError if code == INTERRUPTED else typer.Exit(code)


def _decide(
    decision: Literal["approve", "reject"],
    plan: str,
    runs: Path,
    who: str | None,
    key: Path | None,
    reason: str,
    *,
    yes: bool,
    as_json: bool,
) -> "tuple[Decided, dict[str, Any]]":
    from agents.record.approvers import key_of
    from agents.record.charter import Register
    from agents.record.history import read_past
    from agents.record.home import home_folder
    from agents.record.waiting import decide, describe, find_waiting, require_waiting
    from agents.show.impact import impact_of, impact_page
    from twin.clock import utc_now

    name = who or _account()
    folder = find_waiting(runs, plan)
    opened = key_of(home_folder(), name, key, runs=runs)
    past = read_past(folder)
    register = Register(home_folder(), past.started.run)
    require_waiting(past, register, utc_now())
    impact = impact_of(past, describe(past, utc_now(), register.authority))
    if not as_json:
        for part in impact_page(impact, past):
            tell(part)
    asks = sys.stdin.isatty() and not yes
    decided = decide(
        folder,
        decision,
        who=name,
        key=opened,
        clock=utc_now,
        home=home_folder(),
        reason=reason,
        agree=lambda: not asks or typer.confirm(f"{decision} this plan as {name}?", err=True),
    )
    return decided, impact.model_dump(mode="json")


def _enrol(who: str | None, up_to: Literal["low", "medium", "high"], runs: Path, *, as_json: bool) -> None:
    from agents.record.approvers import enrol
    from agents.record.home import home_folder

    name = who or _account()
    path, public = enrol(home_folder(), name, up_to=up_to, runs=runs)
    if as_json:
        emit("approve", {"who": name, "up_to": up_to, "key": str(path), "fingerprint": public.fingerprint})
    else:
        what = "" if up_to == "high" else f" plans up to {up_to} risk"
        say(f"{name} may approve{what} now; the key is {path}, its fingerprint {public.fingerprint}")


def _account() -> str:
    import getpass

    from twin.errors import InputError

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise InputError("your account has no name", fix="give one with --as") from None


def _list_waiting(command: str, runs: Path, *, as_json: bool) -> None:
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
