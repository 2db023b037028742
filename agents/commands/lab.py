"""`lab up|status|wait|fault|heal|down`: real routers on this machine to try everything on."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, cast

import typer

from .options import Json
from .output import FAILURE, emit, help_when_alone, say, tell

if TYPE_CHECKING:
    from pydantic import JsonValue

app = typer.Typer(
    help="Real routers on this machine: FRR in network namespaces, with traffic, probes and faults.",
    callback=help_when_alone,
    invoke_without_command=True,
    rich_markup_mode=None,
)
_NAME = "lab"
Name = Annotated[str, typer.Option("--name", help="Which lab, where several run.")]


class Igp(StrEnum):
    """The routing protocol."""

    ISIS = "isis"
    OSPF = "ospf"


@app.command()
def up(
    network: Annotated[str | None, typer.Option("--network", "-n", help="A network by name, or a file.")] = None,
    routers: Annotated[int | None, typer.Option("--routers", min=4, max=200, help="Or so many, drawn.")] = None,
    bgp: Annotated[bool, typer.Option("--bgp", help="Exits to other networks, and BGP in every router.")] = False,
    reflectors: Annotated[
        int, typer.Option("--reflectors", min=0, max=4, help="With --bgp: so many routers tell the others of exits.")
    ] = 0,
    add_path: Annotated[bool, typer.Option("--add-path", help="Of every one, not of their own best alone.")] = False,
    igp: Annotated[Igp, typer.Option("--igp", help="The routing protocol.")] = Igp.ISIS,
    seed: Annotated[int, typer.Option("--seed", "-s", min=0, help="Of what is drawn: network, flows, hashing.")] = 1,
    interval: Annotated[float, typer.Option("--interval", min=0.5, max=300, help="Seconds between samples.")] = 5.0,
    mbit: Annotated[float, typer.Option("--mbit", min=1, max=100, help="Rate of every link, Mbit/s.")] = 10.0,
    peak: Annotated[float, typer.Option("--peak", min=0.05, max=0.95, help="Share of it that the busiest has.")] = 0.6,
    name: Name = _NAME,
    as_json: Json = False,
) -> None:
    """Bring routers up: every link has the same rate, and the traffic is scaled to it."""
    _require_fitting(network, routers, bgp=bgp, reflectors=reflectors, add_path=add_path)
    from twin.formats import load_network
    from twin.formats.drawn_exits import with_drawn_exits
    from twin.formats.provision import in_small
    from twin.live.lab.launch import up as bring_up
    from twin.live.lab.layout import Rates, Reflection, design_of, nearest_to_all

    wanted = network or (f"synthetic/{routers}-{seed}" if routers else "sndlib/abilene")
    whole = load_network(wanted)
    if bgp:
        whole = with_drawn_exits(whole, seed=seed, capacity=mbit)
    elif whole.exits:
        raise typer.BadParameter(f"{wanted} has exits: add --bgp")
    small = in_small(whole, capacity=mbit, peak_utilisation=peak)
    told = Reflection(nearest_to_all(small, reflectors), add_path) if reflectors else Reflection()
    design = design_of(small, name=name, igp=igp.value, seed=seed, rates=Rates.every(interval), reflection=told)
    tell(f"bringing up {len(design.nodes) - len(design.groups)} routers of {wanted} ...")
    lab, status_of = bring_up(design)
    if as_json:
        emit("lab up", {"name": name, "pid": lab.pid, **status_of})
    else:
        say(_text(name, status_of))


def _require_fitting(network: str | None, routers: int | None, *, bgp: bool, reflectors: int, add_path: bool) -> None:
    """Refuse options that exclude each other, or that need another one."""
    if network is not None and routers is not None:
        raise typer.BadParameter("--network and --routers exclude each other")
    if (reflectors and not bgp) or (add_path and not reflectors):
        raise typer.BadParameter("--reflectors goes with --bgp, and --add-path with --reflectors")


@app.command()
def status(name: Name = _NAME, as_json: Json = False) -> None:
    """Say what runs, and what this machine can do for a lab."""
    from twin.live.lab.control import AskStatus
    from twin.live.lab.features import missing, probe
    from twin.live.lab.launch import Lab

    lab = Lab.find(name)
    told = cast("dict[str, JsonValue]", lab.ask(AskStatus())) if lab else {}
    found = probe()
    if as_json:
        features = {x.name: {"missing": x.missing or None, "needed": x.needed} for x in found}
        emit("lab status", {"name": name, "running": lab is not None, **told, "features": features})
        return
    say(_text(name, told) if lab else f"no lab {name} runs")
    lacking = missing(found)
    say(f"this machine can have none: {lacking}" if lacking else "this machine can have one")
    for feature in found:
        if feature.missing and not feature.needed:
            say(f"not here: {feature.missing}")


@app.command()
def wait(
    samples: Annotated[int, typer.Argument(min=1, max=10_000, help="So many more samples.", show_default=False)],
    name: Name = _NAME,
) -> None:
    """Wait until a lab has been measured so many times more."""
    from twin.live.lab.network import open_lab

    open_lab(name).wait(samples)


@app.command()
def fault(
    fault: Annotated[
        str, typer.Argument(help="A kind, KIND@ELEMENT or KIND@ELEMENT=0.5, as `twinops faults` lists them.")
    ],
    how: Annotated[str, typer.Option("--how", help="In which way, where there are several.")] = "",
    seed: Annotated[int, typer.Option("--seed", "-s", min=0, help="Of what is drawn.")] = 1,
    name: Name = _NAME,
    as_json: Json = False,
) -> None:
    """Let something go wrong in the real routers."""
    from twin.live.lab.control import AskFault
    from twin.live.lab.launch import Lab
    from twin.live.read_fault import read_fault

    lab = Lab.get(name)
    wanted = read_fault(fault, lab.design.inventory, seed=seed)
    lab.ask(AskFault(fault=wanted, variant=how))
    if as_json:
        emit("lab fault", {"fault": wanted.model_dump(mode="json"), "how": how})
    else:
        say(f"{wanted}{f', {how}' if how else ''}")


@app.command()
def heal(name: Name = _NAME, as_json: Json = False) -> None:
    """Undo every fault that was let loose."""
    from twin.live.lab.control import AskHeal
    from twin.live.lab.launch import Lab

    Lab.get(name).ask(AskHeal(), timeout_s=60)
    if as_json:
        emit("lab heal", {"healed": True})
    else:
        say("every fault is undone")


@app.command()
def down(name: Name = _NAME, as_json: Json = False) -> None:
    """Take a lab down; nothing of it stays."""
    from twin.live.lab.launch import Lab

    lab = Lab.get(name)
    lab.down()
    if as_json:
        emit("lab down", {"name": name, "down": not lab.alive})
    else:
        say(f"lab {name} is down")
    if lab.alive:
        raise typer.Exit(FAILURE)


def _text(name: str, told: "dict[str, JsonValue]") -> str:
    seconds = cast("dict[str, float]", told["seconds"])
    faults = cast("list[str]", told["faults"])
    lines = (
        f"lab {name}: {told['network']}, {told['routers']} routers, {told['circuits']} circuits, {told['igp']}",
        f"{told['daemons']} daemons; ready in " + ", ".join(f"{what} {value} s" for what, value in seconds.items()),
        f"a sample every {told['interval_s']:g} s; {told['sent']} packets sent, {told['received']} received",
        *((f"{told['exits']} exits, each to a network of its own AS",) if told["exits"] else ()),
        *(f"fault: {x}" for x in faults),
    )
    return "\n".join(lines)
