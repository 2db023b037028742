"""`listen`: the syslog of one's routers, received into files that a site reads."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import SiteFile
from .output import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.observe.readings.log_receiver import LogReceiver

_DAYS = 2.0


def listen(
    into: Annotated[Path, typer.Argument(help="Folder of the files, one an hour.")] = Path("syslog"),
    udp: Annotated[str | None, typer.Option(help="HOST:PORT for datagrams.", show_default=False)] = None,
    tcp: Annotated[str | None, typer.Option(help="HOST:PORT for streams.", show_default=False)] = None,
    tls: Annotated[str | None, typer.Option(help="HOST:PORT for streams over TLS.", show_default=False)] = None,
    certificate: Annotated[Path | None, typer.Option(help="Of TLS, in PEM.", show_default=False)] = None,
    key: Annotated[Path | None, typer.Option(help="Its key.", show_default=False)] = None,
    clients: Annotated[
        Path | None, typer.Option(help="Only senders whose certificate this authority signed.", show_default=False)
    ] = None,
    days: Annotated[float, typer.Option(help="How long files stay.", min=0.05, max=400)] = _DAYS,
    site: SiteFile = None,
) -> None:
    """Receive the syslog of your routers until Ctrl-C, in files that `logs = "syslog/*.log"` of a site file reads.

    With --site, lines that do not say who wrote them are named by the loopbacks under [routers.named].
    """
    from twin.clock import utc_now
    from twin.errors import InputError
    from twin.observe.readings.log_receiver import Listening, LogFolder, LogReceiver, TlsFiles, address

    where = Listening(*(address(x) if x else None for x in (udp, tcp, tls)))
    if not any(where):
        raise InputError("nothing is named to listen at", fix="give --udp 0.0.0.0:5514, --tcp or --tls")
    files = TlsFiles(certificate, key, clients) if certificate and key else None
    receiver = LogReceiver(where, LogFolder(into, timedelta(days=days), utc_now), _senders(site), files)

    _receive(receiver, into)


def _receive(receiver: "LogReceiver", into: Path) -> None:
    """Receive until Ctrl-C."""
    import asyncio
    import contextlib

    async def work() -> None:
        at = await receiver.start()
        for kind, one in at._asdict().items():
            if one:
                say(f"listening at {kind} {one.host}:{one.port}, into {into}")
        try:
            await asyncio.Event().wait()
        finally:
            receiver.close()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work())


def _senders(site: Path | None) -> "Mapping[str, str]":
    if site is None:
        return {}
    from twin.site import read_site

    named = read_site(site).site.routers.named
    return {str(x.loopback): name for name, x in named.items() if x.loopback}
