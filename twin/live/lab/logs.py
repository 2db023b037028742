"""The log files of routing daemons, read as they grow."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from twin.live.network import Event

_LINE = re.compile(
    r"(?P<day>\d{4}/\d\d/\d\d) (?P<clock>\d\d:\d\d:\d\d)(?P<part>\.\d{1,6})? (?P<daemon>[A-Z0-9_]{1,12}): "
    r"(?:\[[A-Z0-9]{5}-[A-Z0-9]{5}\])?(?:\[EC \d{1,12}\])? ?(?P<text>.*)"
)
_MOST = 1 << 20
"""Bytes that are read of one file at a time."""
_LENGTH = 500
_NOTICE = 5


class LogFiles:
    """Follows one folder of log files per router. Devices are told by the names that the inventory has for them."""

    def __init__(self, root: Path, routers: Mapping[str, Mapping[str, str]]) -> None:
        """`routers` has, for each router, the inventory's interface name of each device that is called otherwise."""
        self._root, self._routers = root, routers
        self._read: dict[Path, int] = {}

    def new(self) -> list[Event]:
        """Return the lines that were written since they were asked for last, in time order."""
        return sorted(
            event
            for router in self._routers
            for path in sorted((self._root / router).glob("*.log"))
            for event in self._of(router, path)
        )

    def _of(self, router: str, path: Path) -> Iterator[Event]:
        try:
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                content = file.read(_MOST)
        except OSError:
            return
        whole = content[: content.rfind(b"\n") + 1]
        self._read[path] = self._read.get(path, 0) + len(whole)
        for line in whole.decode(errors="replace").splitlines():
            event = read_line(router, line)
            if event is not None:
                yield event._replace(message=self._renamed(router, event.message))

    def _renamed(self, router: str, message: str) -> str:
        for device, name in self._routers[router].items():
            message = re.sub(rf"(?<![\w.]){re.escape(device)}(?![\w.])", name, message)
        return message


def read_line(router: str, line: str) -> Event | None:
    """Read one line of FRR's log, None when it is none. The time is taken as UTC."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    try:
        time = datetime.strptime(f"{match['day']} {match['clock']}", "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    at = time.timestamp() + float(match["part"] or 0)
    return Event(at, router, _NOTICE, f"{match['daemon']}: {match['text']}"[:_LENGTH])
