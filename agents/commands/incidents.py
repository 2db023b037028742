"""`run` and `show`: work on an incident, and sum up what was recorded of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .goals import MaybeGoal, Zone, complete_faults, read
from .options import Json, MaybeNetwork, PolicyFile, Run, Runs, SiteFile, limits
from .output import INTERRUPTED, RunInterruptedError, emit, say, tell

if TYPE_CHECKING:
    from agents.run.run import RunRequest

FaultWritten = Annotated[
    str | None,
    typer.Option(
        "--fault",
        help="A kind, KIND@ELEMENT or KIND@ELEMENT=0.5, as `twinops faults` lists them; drawn if left out.",
        autocompletion=complete_faults,
    ),
]
Vision = Annotated[bool, typer.Option("--vision", help="The model sees pictures: its roles may look at the map.")]


def run(
    network: MaybeNetwork = None,
    site: SiteFile = None,
    seed: Annotated[int, typer.Option("--seed", "-s", min=0, help="Another seed is another incident.")] = 1,
    fault: FaultWritten = None,
    healthy: Annotated[bool, typer.Option("--healthy", help="Let nothing go wrong.")] = False,
    goal: MaybeGoal = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", help="A plan of yours to be judged, signed and kept; needs a site.")
    ] = None,
    zone: Zone = "UTC",
    model: Annotated[str, typer.Option("--model", "-m", help="provider:model, or runbook for none.")] = "runbook",
    policy: PolicyFile = None,
    compact: Annotated[
        bool, typer.Option("--compact", help="For a small model: fewer tools, a short window, calls alone.")
    ] = False,
    vision: Vision = False,
    budget: Annotated[
        str | None, typer.Option("--budget", help="TOML file, or limits such as money=2,seconds=600.")
    ] = None,
    documents: Annotated[
        list[Path] | None,
        typer.Option("--documents", help="JSON list of tickets, calendar entries, commits and notes."),
    ] = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Work on one incident, from the first symptom to a network that is well again; or on a goal.

    A goal such as "drain:Kassel from:02:00 until:04:00 max_utilisation:0.8" is planned, judged under its own limits and
    carried out, or certified for its window; with --model it may be said in plain words. Where it leaves something
    open, the command ends with a question and exit code 2. Exit code 3 means that no plan was safe, and nothing was
    changed. With --site, it works on your own network as its files show it, and a person makes the changes; --plan
    brings a plan, of `twinops plan` or your own, that the agents judge in place of one of theirs.
    """
    own = site is not None and network is None
    _require_one_kind_of_work(
        own, {"--fault": fault is not None, "--healthy": healthy, "--goal": goal is not None}, plan
    )
    from agents.run.run import RunRequest
    from agents.show.console import Screen, summary_panel

    from .shell import run_shown

    if own and site is not None:
        request = _of_site(site, seed, model, policy)
    else:
        name = network or "sndlib/germany50"
        request = RunRequest(network=name, seed=seed, model=model, policy=limits(policy), fault=fault, healthy=healthy)
    request = _shown_to(_with(request, budget, documents or (), plan), compact=compact, vision=vision)
    if goal is not None:
        request = _with_goal(request, goal, site if own else None, zone, as_json=as_json)
    summary, code = run_shown(request, runs, screen=Screen())
    if as_json:
        emit("run", summary.model_dump(mode="json"))
    else:
        say(summary_panel(summary))
    raise RunInterruptedError if code == INTERRUPTED else typer.Exit(code)


def _require_one_kind_of_work(own: bool, given: dict[str, bool], plan: Path | None) -> None:
    """Options that contradict each other are a usage error."""
    if own and (given["--fault"] or given["--healthy"]):
        raise typer.BadParameter("--fault and --healthy are for emulated networks, not for a site")
    for one, other in (("--fault", "--healthy"), ("--goal", "--fault")):
        if given[one] and given[other]:
            raise typer.BadParameter(f"{one} and {other} exclude each other")
    if plan is not None and (given["--goal"] or not own):
        raise typer.BadParameter("--plan is for a --site, and excludes --goal")


def _with(request: "RunRequest", budget: str | None, documents: Sequence[Path], plan: Path | None) -> "RunRequest":
    """Add what a run may spend, what people wrote besides that of its site, and the plan that they bring."""
    from agents.roles.budget import read_budget
    from twin.documents import read_documents
    from twin.formats import read_plan

    if budget is not None:
        request = request.model_copy(update={"budget": read_budget(budget)})
    if plan is not None:
        request = request.model_copy(update={"plan": read_plan(plan)})
    return request.model_copy(update={"documents": (*request.documents, *read_documents(documents))})


def _shown_to(request: "RunRequest", *, compact: bool, vision: bool) -> "RunRequest":
    """Add what its model can take: little, or pictures."""
    if vision and (compact or request.model == "runbook"):
        raise typer.BadParameter("--vision is for a --model that sees, and excludes --compact")
    return request.model_copy(update={"compact": compact, "vision": vision})


def _with_goal(request: "RunRequest", goal: str, site: Path | None, zone: str, *, as_json: bool) -> "RunRequest":
    """Read a goal against the network that it is for, as that stands when the run begins."""
    from agents.run.staging import begin_of
    from twin.clock import utc_now
    from twin.formats import load_network
    from twin.live.adapters import is_adapter, open_live
    from twin.site import read_site

    if site is not None and is_adapter(str(site)):
        live = open_live(str(site))
        network, now = live.read_topology(), live.now
    elif site is not None:
        opened = read_site(site)
        look = opened.look(utc_now)
        network, now, zone = look.network, look.now, opened.site.zone if zone == "UTC" else zone
    else:
        network = load_network(request.network)
        now = begin_of(network, request.seed)
    wanted = read(goal, "run", network, now=now, zone=zone, model=request.model, as_json=as_json)
    tell(f"understood: {wanted.words}")
    return request.model_copy(update={"goal": wanted, "healthy": site is None})


def _of_site(site: Path, seed: int, model: str, policy: Path | None) -> "RunRequest":
    from agents.run.run import RunRequest
    from twin.live.adapters import is_adapter, open_live
    from twin.site import read_site

    if is_adapter(str(site)):
        name = open_live(str(site)).read_topology().name
        return RunRequest(network=name, site=str(site), seed=seed, model=model, policy=limits(policy))
    opened = read_site(site)
    name = opened.reading().network.name
    return RunRequest(
        network=name,
        site=str(opened.path.resolve()),
        seed=seed,
        model=model,
        policy=limits(policy, opened),
        documents=opened.documents(),
    )


def show(
    run: Run,
    runs: Runs = Path("runs"),
    report: Annotated[bool, typer.Option("--report", help="Write its report.html again.")] = False,
    as_json: Json = False,
) -> None:
    """Sum a run up from its own record."""
    from agents.record.history import understood
    from agents.show.report.recorded import read_run
    from agents.show.report.summary import summarise

    from .runs import folder_of

    folder = folder_of(run, runs)
    with understood(folder):
        if report:
            from agents.show.report.folder import write_report

            write_report(folder)
        summary = summarise(read_run(folder), folder)
    if as_json:
        emit("show", summary.model_dump(mode="json"))
        return
    from agents.show.console import summary_panel

    say(summary_panel(summary))
