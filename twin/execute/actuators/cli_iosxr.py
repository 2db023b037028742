"""IOS XR: `configure exclusive`, `show configuration`, `commit confirmed N` in seconds, confirmed in its own session.

A trial belongs to its session: leaving that takes the change back. From any other session it is seen as a
configuration session of the client `commit-confirm`, and nobody else can end it. There is no check before the commit:
lines are checked as they are typed. Built from the vendor's published pages and from transcripts; see
`docs/adapters.md`.
"""

import re
from collections.abc import Sequence

from twin.errors import ExecutionError, InputError
from twin.execute.routers import Speech
from twin.live.declared import Operation

from .cli import Meant, gone_with_its_session
from .config_lines import by_indentation
from .hand import RouterState
from .terminal import Manners, Terminal

_COMMIT_S = 180.0
_LEAST_S = 30
_WORKFLOW = frozenset(("configure", "commit", "end"))
_CONFIRMING = "% Confirming commit for trial session."
_TRIAL = re.compile(r"Client: commit-confirm\b")
_LEAVING = "Do you wish to exit? [no]"
_DAY = r"\w{3} \w{3} {1,2}\d{1,2} \d\d:\d\d:\d\d(?:\.\d+)? \S+"


class IosXr:
    """The command line of IOS XR."""

    makes: frozenset[Operation] = frozenset(("set_weight", "drain_link", "undrain_link", "drain_node", "undrain_node"))
    manners = Manners(
        login=re.compile(r"(?:^|\n)(?P<who>RP/\w+/\w+/CPU\w+:[\w.-]+)# ?\Z"),
        after=r"(?:\(config[\w.-]*\))?# ?",
        noise=re.compile(rf"{_DAY}|Building configuration\.\.\.|!!.*|RP/\S+?:\w{{3}} .*: %[A-Z].*"),
        quiet=("terminal length 0", "terminal width 512"),
    )

    def read(self, terminal: Terminal, speech: Speech) -> RouterState:
        """Read the routing process as running has it."""
        process = _process(speech, terminal)
        lines = terminal.ask(f"show running-config router {speech.igp} {process}")
        head = f"router {speech.igp} {process}"
        if not lines or lines[0].strip() != head:
            raise InputError(f"{terminal.router} runs no {head}", fix="correct `process` under [routers]")
        paths = by_indentation(lines)
        if speech.igp == "isis":
            found = self._metrics(paths, rf"{re.escape(head)} interface (\S+) address-family ipv4 unicast metric (\d+)")
            of_level = (
                rf"{re.escape(head)} interface (\S+) address-family ipv4 unicast metric (\d+) level {speech.level}"
            )
            found |= self._metrics(paths, of_level)
            loaded = any(x.startswith(f"{head} set-overload-bit") for x in paths)
        else:
            found = self._metrics(paths, rf"{re.escape(head)} area {re.escape(speech.area)} interface (\S+) cost (\d+)")
            loaded = any(x.startswith(f"{head} max-metric router-lsa") for x in paths)
        return RouterState(found, loaded)

    def load(self, terminal: Terminal, lines: Sequence[str], meant: Meant) -> None:
        """Type the lines in exclusive mode, and see that the target holds them and nothing else."""
        self._require_no_trial(terminal)
        terminal.require_silence("configure exclusive")
        typed = [x for x in lines if x not in _WORKFLOW and not x.startswith("commit ")]
        for number, line in enumerate(typed):
            if number and not line.startswith(" "):
                terminal.require_silence("root")
            terminal.require_silence(line.strip())
        shown = by_indentation(terminal.ask("show configuration"))
        head = f"router {meant.speech.igp} {_process(meant.speech, terminal)}"
        must = {f"{head} {self._metric(meant.speech, x, y)}" for x, y in meant.metrics.items()}
        if meant.overloaded is not None:
            word = "set-overload-bit" if meant.speech.igp == "isis" else "max-metric router-lsa"
            must.add(f"{head} {'' if meant.overloaded else 'no '}{word}")
        meant.require(terminal, shown, frozenset(must), by_indentation(typed))

    def check(self, terminal: Terminal) -> None:
        """There is none before the commit."""

    def discard(self, terminal: Terminal) -> None:
        """`abort`."""
        terminal.require_silence("abort")

    def commit(self, terminal: Terminal, token: str, seconds: int) -> None:
        """`commit confirmed`, and see that a trial waits."""
        del token  # XR keeps no name of a trial
        command = f"commit confirmed {max(seconds, _LEAST_S)}"
        said = terminal.ask(command, within_s=_COMMIT_S)
        if said:
            raise terminal.refused(command, said)
        if not self._on_trial(terminal, "do "):
            raise ExecutionError(
                f"{terminal.router} says nothing against it, and no trial waits there", fix="look at it"
            )

    def keep(self, terminal: Terminal, token: str) -> None:
        """`commit` once more, in the same session, where nothing else has got into the target."""
        del token
        shown = by_indentation(terminal.ask("show configuration"))
        if shown:
            raise terminal.refused("show configuration", sorted(shown))
        if not self._on_trial(terminal, "do "):
            raise ExecutionError(f"no trial waits at {terminal.router} any more: it was taken back", fix="look at it")
        said = [x.strip() for x in terminal.ask("commit", within_s=_COMMIT_S)]
        if said != [_CONFIRMING]:
            raise terminal.refused("commit", said)
        if self._on_trial(terminal, "do "):
            raise ExecutionError(f"{terminal.router} says yes, and the trial still waits there", fix="look at it")
        terminal.require_silence("end")

    def take_back(self, terminal: Terminal, token: str) -> None:
        """Leave the configuration: what waits is taken back at once."""
        del token
        said = terminal.ask("end", within_s=_COMMIT_S, question=_LEAVING)
        if self._on_trial(terminal, ""):
            raise terminal.refused("end", said)

    def keep_of_others(self, terminal: Terminal, token: str) -> None:
        """Nobody else can: raises `ExecutionError`."""
        del token
        raise gone_with_its_session(terminal)

    def take_back_of_others(self, terminal: Terminal, token: str) -> None:
        """Nobody else can: raises `ExecutionError` while a trial still waits."""
        del token
        self._require_no_trial(terminal)

    def _require_no_trial(self, terminal: Terminal) -> None:
        if self._on_trial(terminal, ""):
            raise ExecutionError(
                f"a trial of another session waits at {terminal.router}: it ends by itself", fix="ask again after it"
            )

    def _on_trial(self, terminal: Terminal, do: str) -> bool:
        return any(_TRIAL.search(x) for x in terminal.ask(f"{do}show configuration sessions detail"))

    def _metrics(self, paths: frozenset[str], pattern: str) -> dict[str, int]:
        found = (re.fullmatch(pattern, x) for x in paths)
        return {at[1]: int(at[2]) for at in found if at}

    def _metric(self, speech: Speech, interface: str, value: int) -> str:
        if speech.igp == "isis":
            return f"interface {interface} address-family ipv4 unicast metric {value} level {speech.level}"
        return f"area {speech.area} interface {interface} cost {value}"


def _process(speech: Speech, terminal: Terminal) -> str:
    if not speech.process:
        raise InputError(f"not known: the {speech.igp} process of {terminal.router}", fix="say it under [routers]")
    return speech.process
