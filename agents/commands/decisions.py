"""`answer`, `approve` and `reject`: what people decide of runs that wait for them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .options import Json, Runs
from .output import emit, say, tell
from .runs import folder_of, list_waiting, take_up

if TYPE_CHECKING:
    from agents.record.charter import Register
    from agents.record.history import RunHistory
    from agents.record.questions import OpenQuestion
    from agents.record.waiting import Decided
    from agents.show.impact import Impact

Waiting = Annotated[
    str | None, typer.Argument(help="A run, or the first digits of a plan's hash; none lists.", show_default=False)
]
Who = Annotated[str | None, typer.Option("--as", help="Your name, if it is not that of your account.")]
Key = Annotated[Path | None, typer.Option("--key", help="Your key file, if it is not at its usual place.")]
Reason = Annotated[str, typer.Option("--reason", help="Why: it is signed and kept.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask back on a terminal.")]


def answer(
    run: Annotated[str | None, typer.Argument(help="A run that waits; none lists.", show_default=False)] = None,
    choice: Annotated[str | None, typer.Argument(help="A choice, or its number.", show_default=False)] = None,
    who: Who = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Answer the question that a run waits with, and let it go on; without a run, list the questions that wait."""
    from agents.record import questions
    from agents.record.history import read_history
    from twin.clock import utc_now

    if run is None:
        _list_questions(runs, as_json=as_json)
    elif choice is None:
        asked = questions.question_of(read_history(folder_of(run, runs)))
        if as_json:
            emit("answer", asked.model_dump(mode="json"))
        else:
            _say_question(asked)
    else:
        folder = folder_of(run, runs)
        chosen = questions.answer(folder, choice, who=who or _account(), clock=utc_now)
        tell(f"answered: {chosen}")
        take_up("answer", folder, as_json=as_json)


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
        list_waiting("approve", runs, as_json=as_json)
    else:
        decided, impact = _decide("approve", plan, runs, who, key, reason, yes=yes, as_json=as_json)
        if decided.goes_on:
            take_up("approve", decided.folder, as_json=as_json, impact=impact)
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
    from agents.record.history import read_history
    from agents.record.home import home_folder
    from agents.record.waiting import decide, find_waiting, require_waiting
    from twin.clock import utc_now

    name = who or _account()
    folder = find_waiting(runs, plan)
    opened = key_of(home_folder(), name, key, runs=runs)
    past = read_history(folder)
    register = Register(home_folder(), past.started.run)
    require_waiting(past, register, utc_now())
    impact = _told(past, register, as_json=as_json)
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


def _told(past: "RunHistory", register: "Register", *, as_json: bool) -> "Impact":
    """What the plan that is decided on would change; people are shown it."""
    from agents.record.waiting import describe
    from agents.show.deciding import decision_page
    from agents.show.impact import impact_of
    from twin.clock import utc_now

    impact = impact_of(past, describe(past, utc_now(), register.authority))
    if not as_json:
        for part in decision_page(impact, past):
            tell(part)
    return impact


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
