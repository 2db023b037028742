"""A small router for tests: the command lines of Junos, IOS XR and SR OS (MD-CLI) as they are published, run by sshd.

Started as `vendor_cli.py DIALECT FOLDER` with a terminal. What it runs, its candidate, who has it and what is on trial
are in FOLDER/state.json, for all its sessions; `modes` in it are the ways in which it can be a bad one. A minute takes
`minute_s` seconds. It is written from vendors' pages and transcripts, and knows nothing of the code that it tests.
"""

import fcntl
import json
import os
import re
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

OTHER = "somebody else"
PAUSE_S = 0.2
PAGER, PAUSE = "\0pager", "\0pause"


class Router:
    """What all sessions share."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state.json"
        self.data: dict = {}

    @contextmanager
    def held(self):
        with self.path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.data = json.loads(file.read())
            trial = self.data["trial"]
            if trial and time.time() > trial["end"]:
                self.back("timer")
            yield self.data
            file.seek(0)
            file.truncate()
            file.write(json.dumps(self.data))

    def back(self, by: str) -> None:
        self.data["running"] = self.data["trial"]["before"]
        self.data["trial"] = None
        self.data["commits"].insert(0, ["root", "other", "", ""])
        self.data["log"].append(f"rolled back by {by}")


class Session:
    """One session; the dialects say what is typed and printed."""

    after_login = ""

    def __init__(self, router: Router) -> None:
        self.router, self.me, self.inside = router, str(os.getpid()), False
        self.context: list[str] = []
        self.parts: list[str] = []

    def out(self, *lines: str) -> None:
        """Lines for later: nobody waits for a terminal with everyone's state in hand."""
        self.parts += [line + "\n" for line in lines]

    def shown(self) -> None:
        for part in self.parts:
            if part == PAGER:
                sys.stdout.write(" --More-- ")
                sys.stdout.flush()
                sys.stdin.readline()
            elif part == PAUSE:
                sys.stdout.flush()
                time.sleep(PAUSE_S)
            else:
                sys.stdout.write(part)
        self.parts = []
        sys.stdout.flush()

    def modes(self) -> list[str]:
        return self.router.data["modes"]

    def state(self, which: str) -> dict:
        return self.router.data[which]

    def run(self) -> None:
        self.out("", "  *** Authorized use only ***", "core1# is watched", "")
        while True:
            with self.router.held():
                slow = "slow" in self.modes()
            if slow:
                time.sleep(PAUSE_S)
            self.parts.append(self.prompt())
            self.shown()
            line = sys.stdin.readline()
            if not line:
                return
            line = line.strip()
            if line:
                with self.router.held() as data:
                    data["typed"].append(line)
                    drop = "drop" in self.modes() and self.confirms(line)
                    wait = self.answer(line) if not drop else False
                if drop:
                    return
                self.shown()
                if wait:
                    said = sys.stdin.readline().strip()
                    with self.router.held():
                        self.answered(said)
                if line in ("logout", "quit-session"):
                    return

    def lines_out(self, lines: list[str]) -> None:
        """An output that can look like its end in the middle, or stop at a pager."""
        if "pager" in self.modes() and len(lines) > 1:
            self.out(lines[0])
            self.parts.append(PAGER)
            lines = lines[1:]
        if "lookalike" in self.modes():
            middle = len(lines) // 2
            self.out(*lines[:middle])
            self.parts += [self.prompt(), PAUSE]
            self.out("", *lines[middle:])
            return
        self.out(*lines)

    def ends(self) -> None:
        """What becomes of what this session holds when it is over."""
        with self.router.held() as data:
            if data["owner"] == self.me:
                data["owner"], data["candidate"] = None, None
            trial = data["trial"]
            if trial and trial["session"] == self.me and self.holds:
                self.router.back("session")

    def commit(self, end: float | None, comment: str = "", how: str = "cli") -> None:
        data = self.router.data
        before, new = data["running"], data["candidate"] or data["running"]
        if "nop" not in self.modes():
            data["running"] = json.loads(json.dumps(new))
        if end is not None and "nop" not in self.modes():
            known = data["trial"]
            data["trial"] = {"before": known["before"] if known else before, "end": end, "session": self.me}
        elif end is None and "confirm_nop" not in self.modes():
            data["trial"] = None
        data["candidate"] = json.loads(json.dumps(data["running"]))
        waits = "commit confirmed, rollback in 1mins" if end is not None else ""
        if not (end is None and "confirm_nop" in self.modes()):
            data["commits"].insert(0, ["lab", how, waits, comment])

    def begin(self) -> bool:
        """Take the candidate for this session alone."""
        data = self.router.data
        if "locked" in self.modes() or data["owner"] not in (None, self.me):
            return False
        data["owner"] = self.me
        data["candidate"] = json.loads(json.dumps(data["running"]))
        if "dirty" in self.modes():
            data["candidate"]["metric"]["left-by-others"] = 7
        self.inside = True
        return True

    def leave(self) -> None:
        self.inside = False
        if self.router.data["owner"] == self.me:
            self.router.data["owner"], self.router.data["candidate"] = None, None

    def set_metric(self, name: str, value: int) -> None:
        self.state("candidate")["metric"][name] = value
        if "adds" in self.modes():
            self.state("candidate")["metric"]["besides"] = 1

    def changes(self) -> list[tuple[str, int | None, int | None]]:
        old, new = self.state("running")["metric"], self.state("candidate")["metric"]
        return [(x, old.get(x), new.get(x)) for x in sorted({*old, *new}) if old.get(x) != new.get(x)]

    def confirms(self, line: str) -> bool:
        return line in ("commit", "commit confirmed accept") and self.router.data["trial"] is not None


class JunosSession(Session):
    holds = False  # a trial is the router's

    def prompt(self) -> str:
        return "\n[edit]\nlab@core1# " if self.inside else "\nlab@core1> "

    def answer(self, line: str) -> bool:  # noqa: C901 - a branch for each command
        data, bare = self.router.data, line.removesuffix("| no-more").strip()
        bare = bare.removeprefix("run ") if self.inside else bare
        show = data["candidate"] if self.inside else data["running"]
        if bare.startswith("set cli screen-"):
            what = bare.split("screen-")[1].split()
            self.out(f"Screen {what[0]} set to {what[1]}")
        elif bare == "show configuration protocols isis | display set":
            lines = [f"set protocols isis interface {x} level 2 metric {y}" for x, y in show["metric"].items()]
            lines += [f"set protocols isis interface {x} point-to-point" for x in show["metric"]]
            self.lines_out([*lines, *(["set protocols isis overload"] if show["overload"] else [])])
        elif bare == "show system commit":
            rows = []
            for number, (who, how, waits, comment) in enumerate(data["commits"]):
                rows += [f"{number:<4}2026-11-30 18:00:00 UTC by {who} via {how}{' ' + waits if waits else ''}"]
                rows += [f"    {comment}"] if comment else []
            self.lines_out(rows or ["0   2026-11-30 17:00:00 UTC by lab via cli"])
        elif bare == "configure exclusive" and not self.inside:
            if self.begin():
                self.out("warning: uncommitted changes will be discarded on exit", "Entering configuration mode")
            else:
                self.out("error: configuration database locked by:", "  ana terminal p0 (pid 4681) on since 2026-11-30")
                self.out("      exclusive [edit]")
        elif not self.inside:
            self.out("                    ^", "unknown command.")
        elif bare == "show | compare":
            lines = []
            for name, old, new in self.changes():
                lines.append(f"[edit protocols isis interface {name} level 2]")
                lines += [f"-     metric {old};"] if old is not None else []
                lines += [f"+     metric {new};"] if new is not None else []
            if data["running"]["overload"] != data["candidate"]["overload"]:
                lines += ["[edit protocols isis]", f"{'+' if data['candidate']['overload'] else '-'}    overload;"]
            self.lines_out(lines) if lines else None
        elif match := re.fullmatch(r"set protocols isis interface (\S+) level 2 metric (\d+)", bare):
            if "rejects" in self.modes():
                self.out("                       ^", "syntax error.")
            else:
                self.set_metric(match[1], int(match[2]))
        elif bare in ("set protocols isis overload", "delete protocols isis overload"):
            data["candidate"]["overload"] = bare.startswith("set")
        elif bare == "commit check":
            data["trial"] = None  # it confirms what waits, as a commit does
            if "check_fails" in self.modes():
                self.out("[edit protocols isis]", "  'interface ge-9/9/9.0'", "    not configured")
                self.out("error: configuration check-out failed")
            else:
                self.out("configuration check succeeds")
        elif match := re.fullmatch(r'commit confirmed (\d+) comment "([^"]*)"', bare):
            self.commit(time.time() + int(match[1]) * data["minute_s"], match[2])
            if "between" in self.modes():
                data["commits"].insert(0, ["ana", "netconf", "", "a change of hers"])
            self.out(f"commit confirmed will be automatically rolled back in {match[1]} minutes unless confirmed")
            self.out("commit complete", "", f"# commit confirmed will be rolled back in {match[1]} minutes")
        elif match := re.fullmatch(r'commit(?: comment "([^"]*)")?', bare):
            self.commit(None, match[1] or "")
            self.out("commit complete")
        elif bare in ("rollback 0", "rollback 1"):
            before = data["trial"]["before"] if bare == "rollback 1" and data["trial"] else data["running"]
            data["candidate"] = json.loads(json.dumps(before))
            self.out("load complete")
        elif bare == "exit configuration-mode":
            self.leave()
            self.out("Exiting configuration mode")
        else:
            self.out("                  ^", "unknown command.")
        return False


class IosXrSession(Session):
    holds = True
    asking = False

    def prompt(self) -> str:
        where = "(config-isis-if-af)" if self.context else "(config)"
        return f"RP/0/RP0/CPU0:core1{where if self.inside else ''}#"

    def answer(self, line: str) -> bool:  # noqa: C901 - a branch for each command
        data = self.router.data
        bare = line.removeprefix("do ") if self.inside else line
        if bare.startswith("terminal "):
            return False
        self.out("Mon Nov 30 18:00:00.123 UTC")
        trial = data["trial"]
        if bare == "show running-config router isis CORE":
            self.lines_out(self.tree(data["running"], data["running"]["metric"]))
        elif bare == "show configuration sessions detail":
            rows = ["", "  1) Session: 00001000-00000001-00000000  Mon Nov 30 18:00:00 2026"]
            rows += ["     User: lab                            Client: CLI"]
            if trial:
                rows += ["  2) Session: 00001000-00000002-00000000  Mon Nov 30 18:00:01 2026"]
                rows += ["     User: lab                            Client: commit-confirm"]
            self.lines_out(rows)
        elif bare == "configure exclusive" and not self.inside:
            if trial:
                self.out("Cannot enter exclusive mode. A trial commit is underway in another configuration session.")
            elif not self.begin():
                self.out("Cannot enter exclusive mode. The Configuration Namespace is locked by another agent.")
        elif not self.inside:
            self.out("      ^", "% Invalid input detected at '^' marker.")
        elif bare == "show configuration":
            self.out("Building configuration...", "!! IOS XR Configuration 24.3.1")
            changed = {x: y for x, _, y in self.changes() if y is not None}
            if "between" in self.modes() and trial:
                changed["left-by-others"] = 7
            same = data["running"]["overload"] == data["candidate"]["overload"]
            self.lines_out(self.tree(data["candidate"], changed, bits=not same) if changed or not same else [])
            self.out("end")
        elif match := re.fullmatch(r"metric (\d+) level 2", bare):
            if "rejects" in self.modes():
                self.out("      ^", "% Invalid input detected at '^' marker.")
            else:
                self.set_metric(self.context[-1], int(match[1]))
        elif bare.startswith(("router isis", "interface ", "address-family ")):
            self.context.append(bare.split()[-1] if bare.startswith("interface") else (self.context or [""])[-1])
        elif bare in ("set-overload-bit", "no set-overload-bit"):
            data["candidate"]["overload"] = not bare.startswith("no ")
        elif bare == "root":
            self.context = []
        elif match := re.fullmatch(r"commit confirmed (\d+)", bare):
            if "check_fails" in self.modes():
                self.out("", "% Failed to commit one or more configuration items during a pseudo-atomic operation.")
            else:
                self.commit(time.time() + int(match[1]) * data["minute_s"] / 60)
                data["owner"] = None  # the lock drops with the commit
        elif bare == "commit":
            self.commit(None)
            self.out("", "% Confirming commit for trial session." if trial else "No configuration changes to commit.")
        elif bare == "abort":
            self.leave()
            self.context = []
        elif bare == "end":
            if trial and trial["session"] == self.me:
                self.out("", "You are exiting after a 'commit confirm' with an active rollback session.  If you exit")
                self.parts.append("the configuration ... will immediately rollback.\nDo you wish to exit? [no]: ")
                return True
            self.leave()
            self.context = []
        else:
            self.out("      ^", "% Invalid input detected at '^' marker.")
        return False

    def answered(self, said: str) -> None:
        if said == "yes":
            self.router.back("end")
            self.leave()
            self.context = []

    def tree(self, state: dict, metrics: dict, *, bits: bool = True) -> list[str]:
        lines = ["router isis CORE", *([" set-overload-bit"] if state["overload"] and bits else [])]
        lines += (
            [" no set-overload-bit"] if bits and not state["overload"] and state is not self.state("running") else []
        )
        for name, value in metrics.items():
            lines += [f" interface {name}", "  address-family ipv4 unicast", f"   metric {value} level 2", "  !", " !"]
        return [*lines, "!"]


class MdCliSession(Session):
    holds = True

    def prompt(self) -> str:
        changed = self.inside and self.router.data["candidate"] and self.changes()
        return f"\n{'*' if changed else ''}{'(ex)' if self.inside else ''}[/]\nA:lab@core1# "

    def answer(self, line: str) -> bool:  # noqa: C901 - a branch for each command
        data, trial = self.router.data, self.router.data["trial"]
        if line == "environment more false":
            return False
        if match := re.fullmatch(r'admin show configuration flat \| match "isis 0 "', line):
            rows = [f'configure router "Base" isis 0 interface "{x}"' for x in data["running"]["metric"]]
            rows = [y for x in rows for y in (f"    {x} interface-type point-to-point", x)]
            values = iter(data["running"]["metric"].values())
            rows = [x if x.startswith(" ") else f"    {x} level 2 metric {next(values)}" for x in rows]
            self.lines_out(rows)
        elif line == "edit-config exclusive" and not self.inside:
            if self.begin():
                self.out("INFO: CLI #2060: Entering exclusive configuration mode")
                self.out("INFO: CLI #2061: Uncommitted changes are discarded on configuration mode exit")
            else:
                self.out("MINOR: MGMT_CORE #2052: Exclusive datastore access unavailable")
        elif not self.inside:
            self.out("                 ^^^^^", "MINOR: CLI #2069: Operation not allowed")
        elif match := re.fullmatch(r'/configure router "Base" isis 0 interface "([^"]+)" level 2 metric (\d+)', line):
            if "rejects" in self.modes():
                self.out("MINOR: MGMT_CORE #2201: Unknown element - 'metric'")
            else:
                self.set_metric(match[1], int(match[2]))
        elif line == "compare":
            changes = self.changes()
            if "between" in self.modes() and trial:
                changes = [("left-by-others", 1, 2)]
            lines = ['    router "Base" {', "        isis 0 {"]
            for name, old, new in changes:
                lines += [f'            interface "{name}" {{', "                level 2 {"]
                lines += [f"-                   metric {old}"] if old is not None else []
                lines += [f"+                   metric {new}"] if new is not None else []
                lines += ["                }", "            }"]
            self.lines_out([*lines, "        }", "    }"]) if changes else None
        elif line == "validate":
            if "check_fails" in self.modes():
                self.out("MINOR: MGMT_CORE #4001: configure router isis - value not in range")
        elif line == "discard":
            data["candidate"] = json.loads(json.dumps(data["running"]))
        elif match := re.fullmatch(r"commit confirmed (\d+)", line):
            self.commit(time.time() + int(match[1]) * data["minute_s"])
            self.out("INFO: CLI #2090: Commit confirmed - automatic rollback in 0 minutes 59 seconds")
        elif line == "commit confirmed accept":
            self.commit(None)
            self.out("INFO: CLI #2092: Commit confirmed - accepted - automatic rollback canceled")
        elif line == "commit confirmed cancel":
            self.router.back("cancel")
            self.out("INFO: CLI #2096: Commit confirmed - canceled - automatic rollback of changes")
        elif line == "quit-config":
            self.leave()
            self.out("INFO: CLI #2064: Exiting exclusive configuration mode")
        else:
            self.out("MINOR: MGMT_CORE #2201: Unknown element")
        return False


SESSIONS = {"junos": JunosSession, "iosxr": IosXrSession, "mdcli": MdCliSession}


def main() -> None:
    session = SESSIONS[sys.argv[1]](Router(Path(sys.argv[2])))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that is gone is an end of file, too
    try:
        session.run()
    finally:
        session.ends()


if __name__ == "__main__":
    main()
