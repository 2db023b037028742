"""`mcp`: the twin as tools for other people's agents."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import PolicyFile, Runs, SiteFile, limits
from .output import tell

if TYPE_CHECKING:
    from types import ModuleType


def mcp(
    network: Annotated[
        str | None,
        typer.Argument(help="A network by name, a file, or twin.duckdb[#SNAPSHOT].", show_default=False),
    ] = None,
    site: SiteFile = None,
    http: Annotated[
        str | None,
        typer.Option("--http", metavar="HOST:PORT", help="On a port of this machine instead of stdin and stdout."),
    ] = None,
    allow_drafts: Annotated[bool, typer.Option("--allow-drafts", help="Let callers store drafts of plans.")] = False,
    drafts: Annotated[Path, typer.Option("--drafts", help="Folder of the drafts.")] = Path("drafts"),
    runs: Runs = Path("runs"),
    policy: PolicyFile = None,
) -> None:
    """Serve the twin to other people's agents by the Model Context Protocol: they ask, simulate and verify.

    They cannot approve or execute anything. Without --http the agent starts this command and speaks on its stdin and
    stdout.
    """
    door = _door()
    from agents.serve.mcp_state import TwinStates
    from twin.clock import utc_now
    from twin.site import read_site

    if network is None and site is None:
        raise typer.BadParameter("name a network, or your own with --site")
    # as everywhere: what is named goes before the site of the environment
    opened = read_site(site) if network is None and site is not None else None
    zone = opened.site.zone if opened else "UTC"
    states = TwinStates(network, opened, limits(policy, opened), zone=zone, clock=utc_now)
    states.newest()  # nobody connects to a network that cannot be read
    served = door.McpDoor(states, runs=runs, drafts=drafts if allow_drafts else None)
    if http is None:
        tell("serving on stdin and stdout; Ctrl-C ends it")
        door.serve_stdio(served)
    else:
        listening = door.HttpDoor(served, http)
        tell(f"serving {listening.url}; Ctrl-C ends it")
        listening.run()


def _door() -> "ModuleType":
    from twin.errors import InputError

    try:
        from agents.serve import mcp_transports
    except ImportError as error:
        raise InputError(f"the MCP server needs {error.name}", fix="pip install 'twinops[mcp]'") from error
    return mcp_transports
