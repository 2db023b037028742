"""SR OS with the MD-CLI: `edit-config exclusive`, `compare`, `validate`, `commit confirmed N` in whole minutes.

A trial belongs to its session: leaving it, or losing the connection, takes the change back. Who gets the exclusive
mode knows that no such session is left. Overload is not set: how `info` and `compare` spell that container is not in
what was published. Built from the vendor's published pages and from transcripts; see `docs/adapters.md`.
"""

import re
from collections.abc import Sequence

from twin.errors import ExecutionError
from twin.execute.routers import Speech
from twin.live.declared import Operation

from .cli import Meant, gone_with_its_session
from .config_lines import by_braces
from .hand import RouterState
from .terminal import Manners, Terminal

_COMMIT_S = 180.0
_MOST_MINUTES = 168
_INFO = re.compile(r"INFO: CLI #\d+: (?P<what>.*)")
_WORKFLOW = frozenset(("edit-config exclusive", "commit", "quit-config"))


class MdCli:
    """The model-driven command line of SR OS."""

    makes: frozenset[Operation] = frozenset(("set_weight", "drain_link", "undrain_link"))
    manners = Manners(
        login=re.compile(r"(?:^|\n)(?P<who>[A-Z]:[\w.-]+@[\w.-]+)# ?\Z"),
        after="# ?",
        noise=re.compile(r"[!*]{0,2}(?:\((?:ex|ro|pr|gl)\))?\[(?:(?:ex|ro|pr|gl):)?/?\]"),
        quiet=("environment more false",),
    )

    def read(self, terminal: Terminal, speech: Speech) -> RouterState:
        """Read the metrics of interfaces in running, as flat lines."""
        said = terminal.ask(f'admin show configuration flat | match "{speech.igp} {_instance(speech)} "')
        place = (
            rf'interface "([^"]+)" level {speech.level}'
            if speech.igp == "isis"
            else (rf'area {re.escape(speech.area)} interface "([^"]+)"')
        )
        pattern = re.compile(rf'/?configure router "Base" {speech.igp} {_instance(speech)} {place} metric (\d+)')
        found = (pattern.fullmatch(x.strip()) for x in said)
        return RouterState({at[1]: int(at[2]) for at in found if at}, None)

    def load(self, terminal: Terminal, lines: Sequence[str], meant: Meant) -> None:
        """Type the lines in exclusive mode, and compare."""
        said = self._informed(terminal, "edit-config exclusive")
        if "Entering exclusive configuration mode" not in said:
            raise terminal.refused("edit-config exclusive", said)
        for line in lines:
            if line not in _WORKFLOW and not line.startswith("commit "):
                terminal.require_silence(line)
        said = terminal.ask("compare")
        try:
            shown = by_braces(said)
        except ValueError as error:
            raise terminal.refused("compare", said) from error
        must = frozenset(self._metric(meant.speech, x, y) for x, y in meant.metrics.items())
        may = frozenset(self._metric(meant.speech, x, y) for x, y in meant.wanted.metrics.items())
        gone = frozenset(self._metric(meant.speech, x, y) for x, y in meant.before.metrics.items())
        meant.require(terminal, frozenset(x.removeprefix("configure ") for x in shown.added), must, may)
        meant.require(terminal, frozenset(x.removeprefix("configure ") for x in shown.removed), frozenset(), gone)

    def check(self, terminal: Terminal) -> None:
        """`validate`."""
        terminal.require_silence("validate")

    def discard(self, terminal: Terminal) -> None:
        """`discard`, and out."""
        terminal.require_silence("discard")
        self._leave(terminal)

    def commit(self, terminal: Terminal, token: str, seconds: int) -> None:
        """`commit confirmed`, in minutes that are rounded up."""
        del token  # SR OS keeps no name of a trial
        minutes = -(-seconds // 60)
        if minutes > _MOST_MINUTES:
            raise ExecutionError(f"a trial of SR OS ends within {_MOST_MINUTES} minutes", fix="say a shorter `trial_s`")
        said = self._informed(terminal, f"commit confirmed {minutes}", within_s=_COMMIT_S)
        if len(said) != 1 or not said[0].startswith("Commit confirmed - automatic rollback in "):
            raise terminal.refused("commit confirmed", said)

    def keep(self, terminal: Terminal, token: str) -> None:
        """`commit confirmed accept`, in the same session, where nothing else has got into the candidate."""
        del token
        changed = terminal.ask("compare")
        if changed:
            raise terminal.refused("compare", changed)
        said = self._informed(terminal, "commit confirmed accept", within_s=_COMMIT_S)
        if said != ["Commit confirmed - accepted - automatic rollback canceled"]:
            raise terminal.refused("commit confirmed accept", said)
        self._leave(terminal)

    def take_back(self, terminal: Terminal, token: str) -> None:
        """`commit confirmed cancel`."""
        del token
        said = self._informed(terminal, "commit confirmed cancel", within_s=_COMMIT_S)
        if said != ["Commit confirmed - canceled - automatic rollback of changes"]:
            raise terminal.refused("commit confirmed cancel", said)

    def keep_of_others(self, terminal: Terminal, token: str) -> None:
        """Nobody else can: raises `ExecutionError`."""
        del token
        raise gone_with_its_session(terminal)

    def take_back_of_others(self, terminal: Terminal, token: str) -> None:
        """See that no session holds one: raises `ExecutionError` while somebody has the exclusive mode."""
        del token
        said = self._informed(terminal, "edit-config exclusive")
        if "Entering exclusive configuration mode" not in said:
            raise terminal.refused("edit-config exclusive", said)
        self._leave(terminal)

    def _leave(self, terminal: Terminal) -> None:
        said = self._informed(terminal, "quit-config")
        if said != ["Exiting exclusive configuration mode"]:
            raise terminal.refused("quit-config", said)

    def _informed(self, terminal: Terminal, command: str, *, within_s: float | None = None) -> list[str]:
        """What the router informs of; other lines as they are."""
        said = [x.strip() for x in terminal.ask(command, within_s=within_s)]
        return [at["what"] if (at := _INFO.fullmatch(x)) else x for x in said]

    def _metric(self, speech: Speech, interface: str, value: int) -> str:
        level = f" level {speech.level}" if speech.igp == "isis" else ""
        area = "" if speech.igp == "isis" else f" area {speech.area}"
        return f'router "Base" {speech.igp} {_instance(speech)}{area} interface "{interface}"{level} metric {value}'


def _instance(speech: Speech) -> str:
    return speech.process or "0"
