"""A command line of a router over SSH: one command, the whole of its answer, and no guess where it ends.

A prompt in the middle of an output is no end of it: after what looks like one, an empty line is typed, and only a
router that answers with nothing but its prompt is done. What is typed has to come back as it was. A pager or a
question is an error: nobody here answers what was not foreseen.
"""

import re
import time
from typing import NamedTuple

from twin.errors import ExecutionError
from twin.ssh import TypedSession

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>78]|\x1b\].*?\x07")
_PAGER = re.compile(r"-+\(?\s?more\b[^\n]*$|press any key to continue[^\n]*$|\(END\)\s*$", re.IGNORECASE)
_QUESTION = re.compile(
    r"(?:\?|\[(?:y|n|no|yes|cancel|y/n|y,n|yes/no|confirm)\]|\((?:y/n|yes/no)[^)\n]*\))\s?:?\s*$", re.IGNORECASE
)
_TAIL = 2_000
_MOST_ROUNDS = 20
"""Empty lines after which an output is said to have no end: each needs something that looks like a prompt before it."""
_PAUSE_S = 1.0
_LONGEST = 400
"""Most characters of a line that is typed: beyond the width of a terminal it does not come back as it was."""


class Manners(NamedTuple):
    """How the command line of a vendor looks.

    `login` matches the first prompt, with the group `who` that all prompts begin with; `after` matches the rest of a
    prompt. `noise` matches lines that say nothing, such as times; `quiet` are the commands that do away with pagers.
    """

    login: re.Pattern[str]
    after: str
    noise: re.Pattern[str]
    quiet: tuple[str, ...]


class Terminal:
    """A session in which one command is typed after the other."""

    def __init__(self, shell: TypedSession, manners: Manners) -> None:
        """Wait for the first prompt, and do away with pagers. Raises `ExecutionError` when none comes, or they stay."""
        self._shell, self._manners = shell, manners
        try:
            who = self._greeting()
            self._prompt = re.compile(f"(?:{re.escape(who)}{manners.after})+")
            for command in manners.quiet:
                self.require_silence(command)
        except ExecutionError:
            self.close()
            raise

    @property
    def router(self) -> str:
        """The router's name."""
        return self._shell.router

    def ask(self, command: str, *, within_s: float | None = None, question: str = "") -> list[str]:
        """Type a command and return the lines of its answer that say something.

        Where `question` is given, a question with these words is answered with yes. Raises `ExecutionError` when no
        prompt comes in time, another question, a pager, or when what was typed does not come back.
        """
        if not command.isprintable() or not command.isascii() or len(command) > _LONGEST:
            raise ExecutionError(f"{command[:60]!r} cannot be typed at {self.router}", fix="have a person make it")
        while self._shell.waiting():
            self._shell.receive(0.1)
        self._shell.send(f"{command}\n")
        end = time.monotonic() + (within_s or self._shell.limits.read_s)
        text = self._until_prompt(end, command, question)
        for number in range(_MOST_ROUNDS):
            self._shell.send("\n")
            more = self._until_prompt(end, "", "")
            if not self._told(more):
                while number and self._goes_on([]):
                    pass  # the prompts of empty lines that were typed too early
                return self._told(text)
            text += more
        raise self._stuck("what looks like prompts does not end")

    def require_silence(self, command: str) -> None:
        """Type a command that says nothing when all is well. Raises `ExecutionError` with what it says otherwise."""
        said = self.ask(command)
        if said:
            raise self.refused(command, said)

    def refused(self, command: str, said: list[str]) -> ExecutionError:
        """What is raised where a router says something else than it should."""
        words = " ".join(" ".join(said).split())[-200:] or "nothing"
        return ExecutionError(f"{self.router} says to {command[:80]!r}: {words}", fix="look at the router")

    def close(self) -> None:
        """Hang up."""
        self._shell.close()

    def _greeting(self) -> str:
        end, text = time.monotonic() + self._shell.limits.read_s, ""
        while True:
            text += self._shell.receive(end - time.monotonic())
            found = self._manners.login.search(_plain(text[-_TAIL:]))
            if found:
                self._shell.send("\n")  # the same once more, so that a banner is no prompt
                again = ""
                while not (same := self._manners.login.search(_plain(again[-_TAIL:]))):
                    again += self._shell.receive(end - time.monotonic())
                if same["who"] == found["who"]:
                    return found["who"]
                text += again
            if len(text) > self._shell.limits.most:
                raise self._stuck("its greeting does not end")

    def _until_prompt(self, end: float, command: str, question: str) -> str:
        """What comes until something looks like the prompt, behind what was typed."""
        parts: list[str] = []
        total, heard = 0, not command
        while True:
            part = self._shell.receive(end - time.monotonic())
            parts.append(part)
            total += len(part)
            if total > self._shell.limits.most:
                raise self._stuck(f"it says more than {self._shell.limits.most >> 20} MiB")
            tail = _plain("".join(parts[-4:])[-_TAIL:])
            if not heard:
                text = _plain("".join(parts))
                if command not in text.replace("\n", ""):
                    continue
                heard = True
                parts = [text[text.index(command) + len(command) :] if command in text else text]
                tail = parts[0][-_TAIL:]
            last = tail.rsplit("\n", 1)[-1]
            if self._prompt.fullmatch(last) and ("\n" in tail or not command):
                return "".join(parts)
            if not (_PAGER.search(last) or _QUESTION.search(last)) or self._goes_on(parts):
                continue
            if question and question in tail:
                self._shell.send("yes\n")
                parts, question = [], ""
                continue
            raise self._stuck(f"it stops, and waits for an answer to {' '.join(last.split())[-120:]!r}")

    def _goes_on(self, parts: list[str]) -> bool:
        """Whether more follows what looks like a question or a pager: then it is neither."""
        try:
            parts.append(self._shell.receive(_PAUSE_S))
        except ExecutionError:
            return False
        return True

    def _told(self, text: str) -> list[str]:
        lines = [x.rstrip() for x in _plain(text).split("\n")]
        return [
            x for x in lines if x.strip() and not self._manners.noise.fullmatch(x) and not self._prompt.fullmatch(x)
        ]

    def _stuck(self, why: str) -> ExecutionError:
        return ExecutionError(f"{self.router}: {why}", fix="look at the router")


def _plain(text: str) -> str:
    """Text without what moves a cursor."""
    plain = _ESCAPE.sub("", text).replace("\r\n", "\n").replace("\r", "").replace("\x00", "").replace("\x07", "")
    while "\x08" in plain:
        plain = re.sub(r"[^\n\x08]\x08|^\x08+", "", plain)
    return plain
