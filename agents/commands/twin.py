"""`import`, `whatif`, `plan` and `verify`: questions to the twin, without any agent."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .goals import GoalText, Zone, complete_elements, read
from .measured import Mapped, Ports, Prefixes, Sampling, TimeZone, Unit, brought
from .options import (
    DayFile,
    EngineName,
    Json,
    MaybeNetwork,
    PolicyFile,
    Scenarios,
    SiteFile,
    Top,
    WhereToLook,
    limits,
    place,
)
from .output import give
from .progress import watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.goals import Goal
    from agents.show.measurements import Brought


class Form(StrEnum):
    """How the verdict on a change is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JUNIT = "junit"


def read_in(
    files: Annotated[list[Path], typer.Argument(help="Networks, in any known format.", show_default=False)],
    traffic: Annotated[
        Path | None, typer.Option("--traffic", help="CSV, Parquet or .demands in place of the file's own traffic.")
    ] = None,
    into: Annotated[Path, typer.Option("--into", help="The twin file to store them in.")] = Path("twin.duckdb"),
    unit: Annotated[
        list[str] | None,
        typer.Option(
            "--unit",
            help="Unit of what files leave open: capacity=gbps, traffic=mbps, counters=kbps, delay=us, time=ms.",
        ),
    ] = None,
    network_id: Annotated[
        str | None, typer.Option("--network-id", help="Which network of a file that holds several.")
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option("--with", help="CSV to lay over it: capacities, delays by link; places, kinds by node."),
    ] = None,
    measured: Annotated[
        list[Path] | None,
        typer.Option("--measured", "-m", help="Counters, rates, flows, probes or logs of the network; again for more."),
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option("--prometheus", help="URL of a Prometheus API: its counters of the last 30 minutes.")
    ] = None,
    columns: Mapped = None,
    interfaces: Ports = None,
    prefixes: Prefixes = None,
    sampling: Sampling = None,
    time_zone: TimeZone = "UTC",
    as_json: Json = False,
) -> None:
    """Read networks into a twin file, all of them or none: what was used, what assumed, and what is not modelled."""
    from agents.show.planning import import_files
    from twin.formats.build import Choices, read_units
    from twin.formats.measurements.columns import read_mapping
    from twin.formats.measurements.moments import read_zone

    mapping, zone = read_mapping(columns or ()), read_zone(time_zone)
    choices = Choices(read_units(unit or ()), network_id, tables=tuple(table or ()), columns=mapping, zone=zone)
    if measured or prometheus:
        from agents.show.importing import import_with_measurements

        told = brought(columns, unit, ports=interfaces, prefixes=prefixes, sampling=sampling, zone=time_zone)
        now, sources = datetime.now(UTC), (files, traffic, measured or (), prometheus)
        give("import", import_with_measurements(sources, told, into, now=now, choices=choices), as_json=as_json)
        return
    give("import", import_files(files, traffic, into, now=datetime.now(UTC), choices=choices), as_json=as_json)


def whatif(
    network: MaybeNetwork = None,
    site: SiteFile = None,
    fail: Annotated[
        list[str] | None,
        typer.Option(
            "--fail",
            "-f",
            help="A node, circuit (A--B), risk group; risk-groups, all-exits, all, all-links, all-nodes or pairs.",
            autocompletion=complete_elements,
        ),
    ] = None,
    together: Annotated[bool, typer.Option("--together", help="Everything named fails at once.")] = False,
    demands: Annotated[bool, typer.Option("--demands", help="Study each demand too: delay, and what cuts it.")] = False,
    queues: Annotated[
        float | None,
        typer.Option("--queues", help="Add what queues delay, packets waiting so many times as in M/M/1 (0.8 to 31)."),
    ] = None,
    drain: Annotated[
        list[str] | None,
        typer.Option("--drain", help="Rehearse the drain of a node or circuit.", autocompletion=complete_elements),
    ] = None,
    window: Annotated[str | None, typer.Option("--window", help="When it is drained, such as 02:00-04:00.")] = None,
    day: DayFile = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the study as a page of its own, too.")] = None,
    engine: EngineName = None,
    policy: PolicyFile = None,
    top: Top = 12,
    as_json: Json = False,
) -> None:
    """Show how full each link gets when something fails, which failure causes it, and how far traffic may grow.

    With --drain, rehearse a maintenance window hour by hour, with the next failure on top; exit code 3 means that it
    breaks the limits.
    """
    from agents.show.planning import WHOLE_DAY, Failing, rehearse_drain, study_failures, wait_in_queues

    at = place(network, site, policy)
    if drain:
        if fail or together or demands or html or engine or queues is not None:
            raise typer.BadParameter("--drain excludes --fail, --together, --demands, --queues, --html and --engine")
        give("whatif", rehearse_drain(at.network, drain, window or WHOLE_DAY, at.policy, day=day), as_json=as_json)
    elif window or day:
        raise typer.BadParameter("--window and --day belong to --drain")
    else:
        with watched(engine) as does:
            failing = Failing(fail or ["all"], together, does)
            waits = wait_in_queues(at.network, queues, top) if queues is not None else None
            answer = study_failures(at.network, failing, at.policy, demands=demands, page=html, top=top)
        give("whatif", answer.and_then(waits) if waits else answer, as_json=as_json)


def plan(
    goal: GoalText,
    network: MaybeNetwork = None,
    site: SiteFile = None,
    zone: Zone = "UTC",
    objective: Annotated[
        str | None,
        typer.Option(
            "--objective",
            help="utilisation, margin, delay, energy, changes, money, or an order of them: delay>changes>power.",
        ),
    ] = None,
    scenarios: Scenarios = None,
    measure: Annotated[str, typer.Option("--measure", help="Weigh scenarios by their mean, or by cvar.")] = "cvar",
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", help="Seconds of CPU; the best so far counts.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the plan here, for verify.")] = None,
    seed: Annotated[int, typer.Option("--seed", "-s", min=0, help="Seed of the weight search.")] = 1,
    day: DayFile = None,
    until: Annotated[
        datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d"], help="Of upgrade: all that growth makes due by then, by weeks."),
    ] = None,
    measured: Annotated[
        list[Path] | None,
        typer.Option("--measured", "-m", help="Weeks of counters that tell growth; a site or a twin file has them."),
    ] = None,
    columns: Mapped = None,
    unit: Unit = None,
    policy: PolicyFile = None,
    top: Top = 12,
    as_json: Json = False,
) -> None:
    """Look for a plan by every planner that serves the goal, and let the gate judge it.

    With --until the goal upgrade asks for every capacity that growth makes due by that day, the first week first.
    Exit code 3 means that there is no safe plan. A plan that asks for capacity is for a person to order: it ends with
    0, though the gate passes no such plan and nothing executes it.
    """
    from agents.show.planning import Wish, make_plan
    from twin.formats import load_network

    at = place(network, site, policy, zone)
    wanted = read(goal, "plan", load_network(at.network), now=at.now, zone=at.zone, as_json=as_json)
    if until is not None:
        if objective or scenarios or day or time_limit is not None:
            raise typer.BadParameter("--until takes no objective, scenarios, day or time limit")
        _plan_due(at, wanted, until, (measured or (), brought(columns, unit)), (output, top), as_json=as_json)
        return
    if measured or columns or unit:
        raise typer.BadParameter("--measured, --map and --unit belong to --until")
    wish = Wish(wanted, objective, scenarios, measure, time_limit, seed, day)
    answer = make_plan(at.network, at.policy, wish, now=at.now, output=output, top=top, site=at.site)
    give("plan", answer, as_json=as_json)


def _plan_due(
    at: WhereToLook,
    wanted: "Goal",
    until: datetime,
    measured: "tuple[Sequence[Path], Brought]",
    answers: tuple[Path | None, int],
    *,
    as_json: bool,
) -> None:
    from agents.goals.limits import tighten
    from agents.show.upgrades import plan_upgrades

    if wanted.verb != "upgrade" or wanted.elements:
        raise typer.BadParameter("--until belongs to the goal upgrade")
    (output, top), policy = answers, tighten(at.policy, wanted)
    answer = plan_upgrades(at.network, policy, until, *measured, now=at.now, site=at.site, output=output, top=top)
    give("plan", answer, as_json=as_json)


def diff(
    before: Annotated[str, typer.Argument(help="A network, as `import` and `--network` take it.", show_default=False)],
    after: Annotated[str, typer.Argument(help="The same network, changed.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Say what changed between two states of a network, as typed changes, and what none of them expresses."""
    from agents.show.differences import compare

    give("diff", compare(before, after), as_json=as_json)


def verify(
    plan: Annotated[Path | None, typer.Argument(help="The plan, a JSON file.", show_default=False)] = None,
    network: MaybeNetwork = None,
    site: SiteFile = None,
    policy: PolicyFile = None,
    scenarios: Scenarios = None,
    day: DayFile = None,
    before: Annotated[str | None, typer.Option("--from", help="Without a plan: the network as it is.")] = None,
    after: Annotated[str | None, typer.Option("--to", help="Without a plan: the network as it shall be.")] = None,
    traffic: Annotated[Path | None, typer.Option("--traffic", help="Traffic for --from, as CSV or Parquet.")] = None,
    form: Annotated[Form, typer.Option("--format", help="Of a change: text, markdown or junit.")] = Form.TEXT,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write a safe order.")] = None,
    engine: EngineName = None,
    as_json: Json = False,
) -> None:
    """Let the gate judge a plan, or a change: simulate it step by step, under every single failure, and back.

    When only its order does harm, look for one that does not. With --from and --to, the steps between two states of a
    network are the plan. Exit code 0 means safe, 3 rejected or not wholly judged.
    """
    if plan is None and (day is not None or engine is not None):
        raise typer.BadParameter("--day and --engine belong to a plan")
    if plan is None and before is not None and after is not None:
        from agents.show.differences import judge_change

        answer = judge_change(before, after, limits(policy), traffic=traffic, output=output, form=form.value)
    elif plan is not None and before is None and after is None:
        from agents.show.judging import judge_plan

        at = place(network, site, policy)
        with watched(engine) as does:
            answer = judge_plan(
                plan, at.network, at.policy, scenarios,
                now=at.now, reordered=output, site=at.site, day=day, engine=does,
            )  # fmt: skip
    else:
        raise typer.BadParameter("give a plan, or --from and --to")
    give("verify", answer, as_json=as_json)
