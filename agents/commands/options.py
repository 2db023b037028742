"""The options that several commands have, and what becomes of them."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from twin.policy import Policy
    from twin.site import OpenSite

Network = Annotated[str, typer.Option("--network", "-n", help="A network by name, a file, or twin.duckdb[#SNAPSHOT].")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="TOML file with the limits to keep.")]
DayFile = Annotated[
    Path | None, typer.Option("--day", help="24 shares of the traffic, one an hour; a site declares its own.")
]
Scenarios = Annotated[
    Path | None, typer.Option("--scenarios", help="CSV or Parquet of the traffic matrices that may come.")
]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="Who does it: serial, processes, ray or ray:ADDRESS; by default this machine's processes where they pay.",
        show_default=False,
    ),
]


def complete_runs(context: typer.Context, incomplete: str) -> list[str]:
    """The runs in the folder of runs, for the completion of a shell."""
    from agents.record.files import JOURNAL

    runs = Path(context.params.get("runs") or "runs")
    return sorted(x.parent.name for x in runs.glob(f"*/{JOURNAL}") if x.parent.name.startswith(incomplete))


Run = Annotated[
    str,
    typer.Argument(
        help="A run's folder, or its name in the folder of runs.", show_default=False, autocompletion=complete_runs
    ),
]
Runs = Annotated[Path, typer.Option("--runs", help="Folder that holds the runs.", envvar="TWINOPS_RUNS")]
Top = Annotated[int, typer.Option("--top", min=1, help="Rows to show.")]


MaybeNetwork = Annotated[
    str | None,
    typer.Option(
        "--network",
        "-n",
        help="A network by name, a file, or twin.duckdb[#SNAPSHOT]; or sndlib/germany50 without a site.",
        show_default=False,
    ),
]
SiteFile = Annotated[
    Path | None,
    typer.Option("--site", help="Your own network: its site file.", envvar="TWINOPS_SITE", show_default=False),
]
_EXAMPLE = "sndlib/germany50"


class WhereToLook(NamedTuple):
    """Which network a command is about, under which limits, in which zone times are meant, and what time it is there.

    Where a site looks at the past, `now` is that of its newest sample: the hours ahead, windows and works of a plan are
    counted from the hour that its traffic is of.
    """

    network: str
    policy: "Policy"
    zone: str
    now: datetime
    site: "OpenSite | None" = None


def place(network: str | None, site: Path | None, policy: Path | None, zone: str = "UTC") -> WhereToLook:
    """Find the network that a command is about: the named one, or the newest state of one's own."""
    from twin.clock import utc_now

    if site is None or network is not None:
        return WhereToLook(network or _EXAMPLE, limits(policy), zone, utc_now())
    from twin.site import read_site
    from twin.site_state import bring_up

    opened = read_site(site)
    vouched = bring_up(opened, utc_now)
    now = vouched.looked if vouched.recorded else utc_now()
    return WhereToLook(
        str(opened.twin), limits(policy, opened), opened.site.zone if zone == "UTC" else zone, now, opened
    )


def limits(policy: Path | None, site: "OpenSite | None" = None) -> "Policy":
    """Read the policy that was named, or the site's; what it leaves out is as in the policy in force, or usual."""
    from agents.record.home import home_folder, policy_of

    named = policy if policy is not None or site is None else site.policy
    return policy_of(home_folder(), named)
