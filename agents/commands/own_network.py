"""`init`, `render` and `done`: one's own network, written down, what to type on its routers, and that it was typed."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Json, MaybeNetwork, Runs, SiteFile
from .output import emit, give, say


def init(
    folder: Annotated[Path, typer.Argument(help="Where your files are.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Write over a site file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write a commented site.toml for your own network, with the files of the folder where they are recognised."""
    from agents.show.first_site import first_site

    path, found = first_site(folder, force=force)
    if as_json:
        emit("init", {"file": str(path), "found": {kind: list(files) for kind, files in found.items()}})
        return
    say(f"{path} is written; read it through, then try: twinops quality --site {path}")
    for kind, files in found.items():
        say(f"  {kind}: {', '.join(files)}")


def render(
    plan: Annotated[str, typer.Argument(help="A plan, a JSON file; or a run, by folder or name.", show_default=False)],
    dialect: Annotated[
        str | None,
        typer.Option("--dialect", "-d", help="frr, iosxr, junos, mdcli, sros or text, for all; else each its own."),
    ] = None,
    network: MaybeNetwork = None,
    site: SiteFile = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Write a plan as the lines to type on each router, the command that shows they took, and the lines back.

    Nothing is guessed: what is not known, such as the name of an interface, is asked for with exit code 2.
    """
    from agents.show.rendered import render_plan

    give("render", render_plan(plan, dialect, network=network, site=site, runs=runs), as_json=as_json)


def done(
    site: Annotated[
        Path, typer.Argument(help="The site file, or its folder.", envvar="TWINOPS_SITE", show_default=False)
    ],
    no: Annotated[str | None, typer.Option("--no", help="Why the step was not made.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Say that the step which waits for a person has been made, or with --no why not.

    A run on a site whose actuator is `advice` waits for that, and then looks whether the network is as predicted.
    """
    from twin.execute.actuators.advised import answer

    step = answer(site, no=no)
    if as_json:
        emit("done", {"step": str(step), "made": no is None})
        return
    say(f"{step}: {'made' if no is None else 'not made'}")
