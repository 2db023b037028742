"""Every error that twinops raises on purpose, as one tree.

    TwinError                       exit code 1, `fix` says what to do next
    ├── InputError                  2   the caller can repair it
    │   ├── UnknownNetworkError         a network name that nothing provides
    │   ├── UnknownElementError         a node, link, circuit or tunnel that is not in the network
    │   ├── AmbiguousElementError       a name that means several elements
    │   ├── UnknownFaultError           a fault kind that the vocabulary does not have
    │   ├── TopologyError               values that no network can have
    │   ├── FormatError                 a file that does not follow its format
    │   ├── PlanError                   a plan that cannot be read or applied
    │   ├── ModelRequestError           a model provider does not accept the key, the model or the request
    │   ├── ReplayError                 a recorded run that does not hold the answer that is asked for
    │   └── PolicyError                 limits that contradict themselves or do not parse
    ├── RefusedError                3   the gate says no: a result, not a crash
    │   ├── CertificateError            missing, forged, expired, or for something else
    │   ├── AuthorityError              a run's folder says otherwise than the operator's home
    │   └── RightsError                 a role called a tool that its contract does not name
    ├── TransientError              4   safe to try again
    │   ├── StoreBusyError              another process holds the twin file
    │   ├── DeadlineError               a tool call or stage ran out of time
    │   │   └── CallCancelledError          a tool call whose run was cancelled
    │   ├── ProviderError               a model provider stays down, or gives no answer that can be used
    │   ├── BudgetError                 a role or a run has spent what it may
    │   └── InconclusiveError           a role stopped without its hand-over
    ├── WorkError                   1   a chunk of work that was spread over workers failed
    ├── StoreError                  1   the twin file cannot be read or written
    ├── ExecutionError              1   the network did not do what was applied
    │   └── DistrustedError             a router that is not spoken to: its host key is not the one that is known
    └── JournalError                1   a run record that is broken or cannot be written
        ├── DivergedError               a run that does not come out as its record says
        └── RehearsedError              the end of a record that is only being replayed

A model can repair an `InputError` or a `RefusedError`: the text goes back to it as a tool result.
Everything else ends the run with its record saved.
"""

from collections.abc import Iterable

from .closest import closest


class TwinError(Exception):
    """Base of the tree: one line for people, `fix` for what to do next, `exit_code` for shells."""

    exit_code = 1

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix

    @property
    def code(self) -> str:
        """Stable name for JSON output, for example `unknown-element`."""
        name = type(self).__name__.removesuffix("Error")
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


class InputError(TwinError):
    """The caller gave something that cannot be used."""

    exit_code = 2


class UnknownNetworkError(InputError):
    """A network name that neither a file nor topohub provides."""


class UnknownElementError(InputError):
    """An element that the network does not have; names the closest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.known = tuple(known)
        near = closest(name, self.known, least=0.3)
        super().__init__(f"no {kind} {name!r} in this network", fix=_suggest(near))
        self.kind, self.name, self.closest = kind, name, near


class AmbiguousElementError(InputError):
    """A name that means several elements; names them all."""

    def __init__(self, name: str, candidates: Iterable[str]) -> None:
        self.name, self.candidates = name, tuple(candidates)
        named = ", ".join(self.candidates[:8])
        super().__init__(f"{name!r} means {len(self.candidates)} elements", fix=f"name one of {named}")


class UnknownFaultError(InputError):
    """A fault kind that the vocabulary does not have."""


class TopologyError(InputError):
    """Values that no network can have: negative capacity, unknown end, disconnected parts."""


class FormatError(InputError):
    """A file that does not follow its format."""

    def __init__(self, path: str, where: str, expected: str) -> None:
        super().__init__(f"{path}: {where}: expected {expected}")
        self.path, self.where, self.expected = path, where, expected


class PlanError(InputError):
    """A plan that cannot be read, or whose step cannot be applied to this state."""


class PolicyError(InputError):
    """A policy that does not parse or contradicts itself."""


class ModelRequestError(InputError):
    """A model provider does not accept the key, the model's name or the request: asking again would not help."""


class ReplayError(InputError):
    """A recorded run that does not hold the answer that is asked for."""


class RefusedError(TwinError):
    """The gate says no."""

    exit_code = 3


class CertificateError(RefusedError):
    """A certificate that is missing, forged, expired, or for another plan, state or policy."""


class AuthorityError(RefusedError):
    """A run's folder claims what the operator's home does not know, or knows otherwise."""


class RightsError(RefusedError):
    """A role called a tool that its contract does not name."""


class WorkError(TwinError):
    """A chunk of work that was spread over workers failed; names it."""


class TransientError(TwinError):
    """Nothing is wrong with the request: try again."""

    exit_code = 4


class StoreBusyError(TransientError):
    """Another process holds the twin file."""


class DeadlineError(TransientError):
    """A tool call or a stage ran out of time."""


class CallCancelledError(DeadlineError):
    """A tool call whose run was cancelled."""


class ProviderError(TransientError):
    """A model provider that stays down for as long as a call may take, or gives no answer that can be used."""


class BudgetError(TransientError):
    """A role or a run has spent what it may."""


class InconclusiveError(TransientError):
    """A role stopped without its hand-over, or without the evidence for it."""


class StoreError(TwinError):
    """The twin file or run folder cannot be read or written."""


class ExecutionError(TwinError):
    """The network did not do what was applied; what was applied has been rolled back."""


class DistrustedError(ExecutionError):
    """A router is not spoken to: its host key is not known or another one, or it refuses the login."""


class JournalError(TwinError):
    """A run record that is broken or cannot be written."""


class DivergedError(JournalError):
    """A run that is gone through again and does not come out as its record says."""


class RehearsedError(JournalError):
    """The end of a record that is only being replayed: what comes next is not in it."""


def first_line_of(error: BaseException) -> str:
    """Return the first line of what an error says, or its name where it says nothing: libraries write essays."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _suggest(closest: list[str]) -> str:
    return f"the closest names are {', '.join(closest)}" if closest else "list the elements first"
