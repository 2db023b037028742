"""The options that several commands have, and what becomes of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from twin.policy import Policy

Network = Annotated[str, typer.Option("--network", "-n", help="A network by name, a file, or twin.duckdb[#SNAPSHOT].")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="TOML file with the limits to keep.")]
Scenarios = Annotated[
    Path | None, typer.Option("--scenarios", help="CSV or Parquet of the traffic matrices that may come.")
]
Runs = Annotated[Path, typer.Option("--runs", help="Folder that holds the runs.", envvar="TWINOPS_RUNS")]
Top = Annotated[int, typer.Option("--top", min=1, help="Rows to show.")]


def limits(policy: Path | None) -> "Policy":
    """Read the policy that was named; what it leaves out is as in the policy in force, or usual."""
    from agents.record.home import home_folder, policy_of

    return policy_of(home_folder(), policy)
