"""Every address of the console: screens for people, JSON for programs, and what changes something."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response, StreamingResponse

from agents.record import runs as run_folder
from agents.record.approvers import passkeys_of
from agents.record.files import REPORT
from agents.serve.jointly import JointRefusal
from agents.show.report.folder import write_report
from agents.show.trace_view import trace_view
from agents.show.trial_plan import trial_plan
from agents.wording import counted
from twin.errors import InputError, TwinError
from twin.files import exists, read_text
from twin.formats.plan import plan_text
from twin.store.archive import SAMPLES

from .api import (
    acknowledge,
    api_approvals,
    api_calendar,
    api_health,
    api_incident,
    api_incidents,
    api_status,
    api_what_if,
    cancel,
    close,
    put_on_calendar,
    read_calendars,
    remark,
    run_again,
    silence,
    take,
    take_alerts,
)
from .app import Address, Asked, Console, Door
from .asking import ask, ask_model
from .entry import enter, finish_sign_on, leave, start_sign_on
from .health import calendars_of, consoles_of, health_of
from .machines import healthz, metrics
from .openapi import document
from .passkeys import ask_decision, ask_passkey, decide_by_passkey, put_passkey
from .rights import planned
from .stream import events

_SHOWN, _LINKS = 100, 40


def wall(console: Console, asked: Asked) -> Response:
    """The wall."""
    screens, who = console.screens, asked.visitor
    return console.page(
        "wall",
        asked,
        "Wall",
        incidents=screens.incidents(who),
        waiting=screens.waiting(who),
        calendar=screens.calendar(who),
        live=screens.live(who),
        earlier=screens.earlier(asked.query.get("at", "")[:40]) if who.everywhere else None,
    )


def incident(console: Console, asked: Asked) -> Response:
    """One incident."""
    given = asked.query.get("step", "")
    step = int(given) if given.isdigit() and len(given) < 3 else None
    found, view = console.screens.incident(asked.path["name"], asked.visitor, step=step)
    return console.page("incident", asked, view.title, incident=found, view=view, step=step)


def approvals(console: Console, asked: Asked) -> Response:
    """What waits, and one plan."""
    run, screens = asked.path.get("run"), console.screens
    waiting = screens.waiting(asked.visitor)
    run = run or (waiting[0].run if waiting else None)
    past = view = None
    conflicts: tuple[JointRefusal, ...] = ()
    may, stale = False, ""
    if run:
        try:
            past, view, conflicts = screens.approval(run, asked.visitor)
        except InputError as error:  # a link of yesterday: it is told among what waits, and what was decided
            stale = str(error)
    if past:
        may = asked.visitor.holds("approver", planned(past))
    right = f"You are {asked.visitor.name}: {'you may decide' if may else 'deciding it needs the role approver'}."
    return console.page(
        "approvals",
        asked,
        view.title if view else "Approvals",
        stale=stale,
        waiting=waiting,
        decided=screens.decided.rows(asked.visitor),
        view=view,
        conflicts=conflicts,
        policy=past.started.policy if past else console.room.policy,
        may_decide=may,
        right_words=right,
        passkey_words=passkey_words(console, asked),
        may_enrol=may_enrol(asked),
    )


def what_if(console: Console, asked: Asked) -> Response:
    """What would be."""
    given = {name: asked.query.get(name, "")[:600] for name in ("fail", "drain", "grow")}
    error = ""
    try:
        tried = console.screens.what_if(given)
    except TwinError as raised:
        error = f"{raised}{f' ({raised.fix})' if raised.fix else ''}"
        given = {"fail": "", "drain": "", "grow": ""}
        tried = console.screens.what_if(given)
    judged = None
    if asked.query.get("judge") == "1" and not error:
        try:
            judged = console.screens.gate_answer(given)
        except TwinError as raised:
            error = f"{raised}{f' ({raised.fix})' if raised.fix else ''}"
    seen = console.screens.seeing.newest()
    names = [x.name for x in seen.look.network.nodes] if seen else []
    hits = console.screens.hits(tried, given) if tried else ()
    every_href = f"/what-if?{urlencode({**given, 'every': '1'})}#links"
    return console.page(
        "what-if",
        asked,
        "What if",
        tried=tried,
        hits=hits,
        given=given,
        names=names,
        error=error,
        every=asked.query.get("every") == "1",
        every_href=every_href,
        judged=judged,
        plan_href=f"/what-if/plan.json?{urlencode({'drain': given['drain']})}",
        shown=_LINKS,
    )


def trial_file(console: Console, asked: Asked) -> Response:
    """The drains that are tried, as a plan on file with its way back: for `twinops verify`, or a ticket."""
    seen = console.screens.seeing.newest()
    if seen is None:
        raise InputError("nothing has been measured yet", fix="wait for the first sample")
    plan = trial_plan(seen.base.network, asked.query.get("drain", "")[:600].split(","))
    text = plan_text(plan, seen.base.network)
    named = {"content-disposition": f'attachment; filename="plan-{plan.hash}.json"'}
    return Response(text, media_type="application/json", headers=named)


def history(console: Console, asked: Asked) -> Response:
    """Incidents and runs, and SQL for planners."""
    runs, sql, error, found = console.room.place.runs, asked.query.get("sql", "")[:2_000], "", None
    who = asked.visitor
    if sql and who.may("planner", everywhere=True):
        try:
            found = run_folder.query_runs(runs, sql, samples=console.room.place.folder / SAMPLES)
        except TwinError as raised:
            error = str(raised)
    listed = run_folder.list_runs(runs, top=_SHOWN) if exists(runs) and who.everywhere else ()
    incidents = console.screens.incidents(who, ended=True)[:_SHOWN]
    return console.page(
        "history", asked, "History", incidents=incidents, runs=listed, sql=sql, error=error, found=found
    )


def health(console: Console, asked: Asked) -> Response:
    """The room's own state."""
    groups = health_of(console.room, console.screens.live(asked.visitor))
    room = console.room
    return console.page(
        "health", asked, "Health", groups=groups, calendars=calendars_of(room), consoles=consoles_of(room.place.among)
    )


def report(console: Console, asked: Asked) -> Response:
    """The report of a run, as a page of its own: it brings its style along, and no script."""
    folder = console.screens.run_folder(asked.path["run"])
    if not exists(folder / REPORT):
        write_report(folder)
    answer = Response(read_text(folder / REPORT, below=folder), media_type="text/html")
    answer.headers["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return answer


def trace(console: Console, asked: Asked) -> Response:
    """The trace of a run."""
    run = asked.path["run"]
    view = trace_view(console.screens.run_folder(run))
    return console.page("trace", asked, f"Trace of {run}", view=view, run=run)


def stream(console: Console, asked: Asked) -> Response:
    """Server-sent events, numbered as the room's log."""
    last = asked.request.headers.get("last-event-id", asked.query.get("after", ""))
    begun = events(console.room, asked.visitor, int(last) if last.isdigit() and len(last) < 16 else None)
    return StreamingResponse(begun, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


def openapi(console: Console, asked: Asked) -> Response:
    """The OpenAPI document of the JSON addresses."""
    del console, asked
    return JSONResponse(document(ADDRESSES))


def passkey_words(console: Console, asked: Asked) -> str:
    """What somebody is told of their passkey."""
    known = len(passkeys_of(console.room.place.home, asked.visitor.name))
    if known:
        return f"{asked.visitor.name} is known by {counted(known, 'passkeys')}."
    return f"{asked.visitor.name} has none; an admin makes one here, or approve with twinops approve and your key."


def may_enrol(asked: Asked) -> bool:
    """Whether somebody may make a passkey here."""
    return asked.visitor.may("admin")


def _posts(path: str) -> tuple[Address, ...]:
    """What may be done to an incident, below the page's address or the API's."""
    return tuple(
        Address(f"{path}/{{name}}/{verb}", "operator", work, about, "POST", takes=takes)
        for verb, work, about, takes in (
            ("acknowledge", acknowledge, "Say that somebody has seen an incident.", ()),
            ("take", take, "Own an incident.", ()),
            ("remark", remark, "Say something about an incident.", ("words",)),
            ("close", close, "End an incident.", ("because",)),
            ("run", run_again, "Have the agents look at an incident again.", ()),
        )
    )


ADDRESSES: tuple[Address, ...] = (
    Address("/", "viewer", wall, "The wall."),
    Address("/incidents/{name}", "viewer", incident, "One incident."),
    Address("/approvals", "viewer", approvals, "What waits."),
    Address("/approvals/{run}", "viewer", approvals, "One plan that waits."),
    Address("/what-if", "viewer", what_if, "What would be.", whole=True),
    Address("/what-if/plan.json", "planner", trial_file, "What is drained, as a plan on file.", whole=True),
    Address("/history", "viewer", history, "Incidents and runs."),
    Address("/ask", "viewer", ask, "One question.", whole=True),
    Address("/ask", "planner", ask_model, "One question in words, to the room's model.", "POST", whole=True),
    Address("/health", "viewer", health, "The room's own state.", whole=True),
    Address("/runs/{run}/report", "viewer", report, "The report of a run.", whole=True),
    Address("/runs/{run}/trace", "viewer", trace, "The trace of a run.", whole=True),
    Address(
        "/health/calendars", "operator", read_calendars, "Read the calendars of others' work now.", "POST", whole=True
    ),
    Address("/events", "viewer", stream, "What happens, as it happens.", threaded=False),
    *_posts("/incidents"),
    Address("/leave", "viewer", leave, "End the session.", "POST"),
    Address("/api/v1/openapi.json", "viewer", openapi, "This document."),
    Address("/api/v1/status", "viewer", api_status, "The figures of the wall.", whole=True),
    Address("/api/v1/incidents", "viewer", api_incidents, "Incidents, the newest first.", takes=("cursor",)),
    Address("/api/v1/incidents/{name}", "viewer", api_incident, "One incident with its timeline."),
    Address("/api/v1/approvals", "viewer", api_approvals, "What waits for people."),
    Address(
        "/api/v1/what-if",
        "viewer",
        api_what_if,
        "What would be, in figures.",
        whole=True,
        takes=("fail", "drain", "grow"),
    ),
    Address("/api/v1/calendar", "viewer", api_calendar, "The calendar."),
    Address(
        "/api/v1/health", "viewer", api_health, "The room's own state, and what keeps it from its work.", whole=True
    ),
    *_posts("/api/v1/incidents"),
    Address(
        "/api/v1/approvals/{run}/question",
        "approver",
        ask_decision,
        "Ask for a signature on a decision.",
        "POST",
        takes=("decision", "plan", "snapshot", "policy", "reason"),
    ),
    Address(
        "/api/v1/approvals/{run}/decision",
        "approver",
        decide_by_passkey,
        "Decide on a plan.",
        "POST",
        takes=("question", "credential"),
    ),
    Address("/api/v1/passkeys/question", "admin", ask_passkey, "Begin to enrol a passkey.", "POST"),
    Address("/api/v1/passkeys", "admin", put_passkey, "Enrol a passkey.", "POST", takes=("question", "credential")),
    Address(
        "/api/v1/alerts",
        "operator",
        take_alerts,
        "Take an Alertmanager's webhook.",
        "POST",
        whole=True,
        takes=("version", "alerts"),
    ),
    Address(
        "/api/v1/silences",
        "operator",
        silence,
        "Deliver nothing of an element for some hours.",
        "POST",
        takes=("element", "hours", "because"),
    ),
    Address(
        "/api/v1/calendar",
        "operator",
        put_on_calendar,
        "Have a certified plan made in its window.",
        "POST",
        takes=("run",),
    ),
    Address("/api/v1/calendar/{name}/cancel", "operator", cancel, "Take an entry out of the calendar.", "POST"),
)

DOORS: Mapping[str, Door] = {
    "/login": enter,
    "/login/start": start_sign_on,
    "/login/callback": finish_sign_on,
    "/healthz": healthz,
    "/metrics": metrics,
}
"""What anybody on an allowed host may ask."""
