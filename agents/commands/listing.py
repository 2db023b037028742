"""`elements` and `faults`: the names that every other command takes."""

from typing import Annotated

import typer

from .options import Json, MaybeNetwork
from .output import emit, say


def elements(
    network: Annotated[
        str | None, typer.Argument(help="A network by name, a file, or twin.duckdb[#SNAPSHOT].", show_default=False)
    ] = None,
    named: MaybeNetwork = None,
    like: Annotated[str | None, typer.Option("--like", help="Only those that a name means, or is close to.")] = None,
    as_json: Json = False,
) -> None:
    """List the nodes, circuits, risk groups and tunnels of a network, by names that every command takes."""
    from agents.show.listing import element_table, elements_of
    from twin.errors import InputError
    from twin.formats import load_network

    if network and named:
        raise InputError(f"two networks: {network} and {named}", fix="name one")
    network = network or named or "sndlib/germany50"
    found = elements_of(load_network(network), like)
    if as_json:
        emit("elements", {"network": network, "elements": [x._asdict() for x in found]})
    else:
        say(element_table(found))


def faults(as_json: Json = False) -> None:
    """List the kinds of faults: what each strikes, how badly, and how --fault writes it."""
    from agents.show.listing import fault_table, faults_of

    found = faults_of()
    if as_json:
        emit("faults", {"faults": [x._asdict() for x in found]})
    else:
        say(fault_table(found))
