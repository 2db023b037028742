"""Junos: `configure exclusive`, `show | compare`, `commit check`, `commit confirmed N` in whole minutes.

A trial is the router's, not the session's: `show system commit` names the newest commit with its comment, and whether
it waits to be confirmed. So another process can find it again. While the trial runs its session stays in exclusive
mode, so that nobody's commit confirms it. Built from the vendor's published pages and from transcripts; see
`docs/adapters.md`.
"""

import re
from collections.abc import Sequence

from twin.errors import ExecutionError, InputError
from twin.execute.routers import Speech
from twin.live.declared import Operation

from .cli import Meant
from .config_lines import by_braces
from .hand import RouterState
from .terminal import Manners, Terminal

_COMMIT_S = 180.0
_NEWEST = re.compile(r"^0\s+\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ by \S+ via \S+(?P<rest>.*)$")
_PENDING = re.compile(r"\bcommit confirmed, rollback in \d+ ?mins?\b")
_METRIC = re.compile(r"set protocols (?:isis|ospf area (?P<area>\S+)) interface (?P<name>\S+) (?:level (?P<level>\d) )?metric (?P<value>\d{1,8})")  # fmt: skip # noqa: E501
_WORKFLOW = frozenset(("configure", "commit", "exit"))


class Junos:
    """The command line of Junos."""

    makes: frozenset[Operation] = frozenset(("set_weight", "drain_link", "undrain_link", "drain_node", "undrain_node"))
    manners = Manners(
        login=re.compile(r"(?:^|\n)(?P<who>[\w.-]+@[\w.:-]+)[>#] ?\Z"),
        after="[>#] ?",
        noise=re.compile(
            r"(?:\{[\w:.-]+\})?(?:\[edit\])?|# commit confirmed will be rolled back in \d+ minutes?|(?:re\d|\w+\d):"
        ),
        quiet=(),
    )

    def read(self, terminal: Terminal, speech: Speech) -> RouterState:
        """Read the routing protocol as `set` lines; what is deactivated is not understood."""
        self._quieten(terminal)
        lines = terminal.ask(f"show configuration protocols {speech.igp} | display set | no-more")
        if any(not x.startswith("set protocols ") for x in lines):
            odd = next(x for x in lines if not x.startswith("set protocols "))
            raise InputError(f"{terminal.router} says {odd[:100]!r} for a configuration", fix="look at the router")
        found: dict[str, int] = {}
        for line in lines:
            at = _METRIC.fullmatch(line.strip())
            if at and (speech.igp == "ospf" or int(at["level"] or 0) == speech.level):
                found[at["name"]] = int(at["value"])
        return RouterState(found, any(x.split()[:4] == ["set", "protocols", speech.igp, "overload"] for x in lines))

    def load(self, terminal: Terminal, lines: Sequence[str], meant: Meant) -> None:
        """Type `set` and `delete` lines in exclusive mode, and compare; not while any commit waits to be confirmed.

        A `commit check` confirms it, whosever it is, and so does a `commit`.
        """
        self._quieten(terminal)
        if _PENDING.search(self._newest(terminal, "")[0]):
            raise ExecutionError(
                f"a commit waits to be confirmed at {terminal.router}, and a check would confirm it",
                fix="ask again when it has ended, or look whose it is: show system commit",
            )
        self._exclusive(terminal)
        for line in lines:
            if line not in _WORKFLOW and not line.startswith("commit "):
                terminal.require_silence(line)
        said = terminal.ask("show | compare | no-more")
        try:
            shown = by_braces(said)
        except ValueError as error:
            raise terminal.refused("show | compare", said) from error
        must, may = self._paths(meant, changed=True), self._paths(meant, changed=False)
        meant.require(terminal, shown.added, must, may)
        gone = {self._metric(meant.speech, x, y) for x, y in meant.before.metrics.items()}
        gone |= {self._overload(meant.speech)} if meant.wanted.overloaded is False else set()
        left = {self._overload(meant.speech)} if meant.overloaded is False else set[str]()
        meant.require(terminal, shown.removed, frozenset(left), frozenset(gone))

    def check(self, terminal: Terminal) -> None:
        """`commit check`."""
        said = terminal.ask("commit check", within_s=_COMMIT_S)
        if {x.strip() for x in said} != {"configuration check succeeds"}:  # once for each routing engine
            raise terminal.refused("commit check", said)

    def discard(self, terminal: Terminal) -> None:
        """`rollback 0`, and out."""
        said = terminal.ask("rollback 0")
        if [x.strip() for x in said] != ["load complete"]:
            raise terminal.refused("rollback 0", said)
        self._leave(terminal)

    def commit(self, terminal: Terminal, token: str, seconds: int) -> None:
        """`commit confirmed`, in minutes that are rounded up, and see that it waits under our name."""
        minutes = -(-seconds // 60)
        command = f'commit confirmed {minutes} comment "{_name(token)}"'
        said = [x.strip() for x in terminal.ask(command, within_s=_COMMIT_S)]
        waits = f"commit confirmed will be automatically rolled back in {minutes} minutes unless confirmed"
        if waits not in said or "commit complete" not in said:
            raise terminal.refused(command, said)
        if not self._waits(terminal, "run ", token):
            raise ExecutionError(f"{terminal.router} says yes, and no commit of ours waits there", fix="look at it")

    def keep(self, terminal: Terminal, token: str) -> None:
        """`commit` once more, where nothing else has got into the candidate or been committed since."""
        self._confirm(terminal, token, "run ")

    def take_back(self, terminal: Terminal, token: str) -> None:
        """Go back by one commit, where that one is still ours."""
        if self._waits(terminal, "run ", token):
            self._go_back(terminal, token)
        self._leave(terminal)

    def keep_of_others(self, terminal: Terminal, token: str) -> None:
        """A trial is the router's: keep it as its own session would."""
        self._exclusive(terminal)
        self._confirm(terminal, token, "run ")

    def take_back_of_others(self, terminal: Terminal, token: str) -> None:
        """A trial is the router's: take it back where it still waits."""
        if self._waits(terminal, "", token):
            self._exclusive(terminal)
            self._go_back(terminal, token)
            self._leave(terminal)

    def _quieten(self, terminal: Terminal) -> None:
        for command, answer in (("set cli screen-length 0", "Screen length set to 0"), ("set cli screen-width 511", "Screen width set to 511")):  # fmt: skip # noqa: E501
            said = terminal.ask(command)
            if [x.strip() for x in said] != [answer]:
                raise terminal.refused(command, said)

    def _exclusive(self, terminal: Terminal) -> None:
        said = [x.strip() for x in terminal.ask("configure exclusive")]
        if "Entering configuration mode" not in said or any(x.startswith("error") for x in said):
            raise terminal.refused("configure exclusive", said)
        changed = terminal.ask("show | compare | no-more")
        if changed:
            raise terminal.refused("show | compare", ["somebody has left edits in the candidate:", *changed])

    def _leave(self, terminal: Terminal) -> None:
        said = [x.strip() for x in terminal.ask("exit configuration-mode")]
        if said != ["Exiting configuration mode"]:
            raise terminal.refused("exit configuration-mode", said)

    def _waits(self, terminal: Terminal, run: str, token: str) -> bool:
        """Whether the newest commit is ours, and waits to be confirmed."""
        rest, comment = self._newest(terminal, run)
        return comment == _name(token) and _PENDING.search(rest) is not None

    def _newest(self, terminal: Terminal, run: str) -> tuple[str, str]:
        """What is said of the newest commit behind its time and user, and what may be its comment."""
        lines = terminal.ask(f"{run}show system commit | no-more")
        newest = _NEWEST.match(lines[0]) if lines else None
        if newest is None:
            raise terminal.refused("show system commit", lines)
        return newest["rest"], "".join(lines[1:2]).strip()

    def _confirm(self, terminal: Terminal, token: str, run: str) -> None:
        changed = terminal.ask("show | compare | no-more")
        if changed:
            raise terminal.refused("show | compare", changed)
        if not self._waits(terminal, run, token):
            raise ExecutionError(
                f"the change waits at {terminal.router} no more: it was taken back, or somebody committed since",
                fix="look at the router",
            )
        said = [x.strip() for x in terminal.ask("commit", within_s=_COMMIT_S)]
        if "commit complete" not in said or any(x.startswith("error") for x in said):
            raise terminal.refused("commit", said)
        if self._waits(terminal, run, token):
            raise ExecutionError(f"{terminal.router} says yes, and the commit still waits there", fix="look at it")
        self._leave(terminal)

    def _go_back(self, terminal: Terminal, token: str) -> None:
        said = [x.strip() for x in terminal.ask("rollback 1")]
        if said != ["load complete"]:
            raise terminal.refused("rollback 1", said)
        said = [x.strip() for x in terminal.ask(f'commit comment "{_name(token)} back"', within_s=_COMMIT_S)]
        if "commit complete" not in said or any(x.startswith("error") for x in said):
            raise terminal.refused("commit", said)

    def _paths(self, meant: Meant, *, changed: bool) -> frozenset[str]:
        metrics = meant.metrics if changed else meant.wanted.metrics
        found = {self._metric(meant.speech, x, y) for x, y in metrics.items()}
        if (meant.overloaded if changed else meant.wanted.overloaded) is True:
            found.add(self._overload(meant.speech))
        return frozenset(found)

    def _metric(self, speech: Speech, interface: str, value: int) -> str:
        where = f"isis interface {interface} level {speech.level}"
        return f"protocols {where if speech.igp == 'isis' else f'ospf area {speech.area} interface {interface}'} metric {value}"  # noqa: E501

    def _overload(self, speech: Speech) -> str:
        return f"protocols {speech.igp} overload"


def _name(token: str) -> str:
    if not token.isalnum():
        raise InputError(f"{token!r} is no token", fix="letters and digits")
    return f"twinops {token}"
