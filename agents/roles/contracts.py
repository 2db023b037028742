"""What each role may call, must show, hands over and may spend. Registry and driver enforce it, not prompts.

A role is a file: its terms in TOML between lines of `+++`, then its words. Four come with the project, in `prompts/`; a
package offers more under the entry point `twinops.roles`, which names the text of such a file. Those advise: they are
heard after a stage of the four, and may object or ask for a person, and nothing else.
"""

import hashlib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib import metadata
from types import MappingProxyType
from typing import Literal, Self

from pydantic import Field, ValidationError

import prompts
from tools.box.handover import Role
from tools.catalogue import TOOLS
from twin.errors import InputError
from twin.model import Frozen

GROUP = "twinops.roles"
ADVISE = "advise"
FOR_DOCUMENTS = frozenset({"read_documents", "recommend", "ask_operator"})
"""Tools that are offered where people wrote something about the network."""
ASKS = "explain"
"""The tool by which a role asks for tools on request."""
FOR_EYES = frozenset({"network_picture"})
"""Tools that are offered where the run's model sees pictures."""
Place = Literal["observe", "diagnose", "plan", "verify", "after diagnose", "after plan", "after verify"]


class Budget(Frozen):
    """What a role may spend in one stage.

    `seconds` is the time of its turn by the clock, with all that it waits for: a place at the provider, retries, tools.
    """

    model_calls: int = Field(default=14, ge=1, le=100)
    seconds: float = Field(default=300.0, gt=0)


class Contract(Frozen):
    """The terms of one role. `evidence` are the tools that must have answered before its hand-over counts."""

    role: Role = Field(alias="name")
    place: Place = Field(description="Its stage, or the stage after which it is heard.")
    description: str = Field(max_length=300)
    tools: frozenset[str]
    on_request: frozenset[str] = Field(
        default=frozenset(), description="Of its tools, those whose schemas it is sent once it has asked for them."
    )
    opens_with: tuple[str, ...] = Field(
        default=(), description="Of its tools, those that are called in its name before its model is asked."
    )
    evidence: frozenset[str] = frozenset()
    concludes_with: frozenset[str] = Field(description="The tools that make the hand-over.")
    budget: Budget = Budget()
    gate: str = Field(default="", description="What the hand-over must be for the run to go on, decided by values.")
    words: str = Field(default="", description="Its prompt, without what holds for every role.")
    compact: bool = Field(default=False, description="Whether its model is small: it is shown little, and has to call.")

    @property
    def prompt(self) -> str:
        """The words that its model reads first, with the tools that it may ask for."""
        words = prompts.with_shared(self.words)
        if opened := _listed(x for x in self.opens_with if x in self.tools):
            words = f"{words}\n\nCalled in your name before you are asked: {opened}."
        more = _listed(sorted(self.on_request & self.tools))
        return f"{words}\n\nOn request, from the answer after `{ASKS}` with its name on: {more}." if more else words

    @property
    def version(self) -> str:
        """Content hash of the prompt, 12 hex digits."""
        return hashlib.sha256(self.prompt.encode()).hexdigest()[:12]

    def opening(self, stage: Self, *, again: bool) -> tuple[str, ...]:
        """Return what is called in its name as it begins with a stage; `again`, the evidence that may be another now.

        `stage` are the terms of the role whose stage it is: one agent may have all of them.
        """
        return tuple(x for x in stage.opens_with if x in self.tools and (not again or x in stage.evidence))

    def at_hand(self, asked_for: Collection[str]) -> frozenset[str]:
        """Return the tools whose schemas it is sent, once it has asked for some."""
        return self.tools - (self.on_request - frozenset(asked_for))

    def for_small_model(self) -> Self:
        """The same terms with the tools that its words name, and those without which it cannot do its work."""
        named = frozenset(re.findall(r"`(\w+)`", prompts.with_shared(self.words))) | FOR_DOCUMENTS
        kept = self.tools & (named | self.evidence | self.concludes_with)
        return self.model_copy(update={"tools": kept, "on_request": frozenset[str](), "compact": True})

    def missing(self, answered: Collection[str]) -> frozenset[str]:
        """Return the evidence that was not shown."""
        return self.evidence - set(answered)


def read_role(text: str) -> Contract:
    """Read the file of a role. Raises `InputError` that names what is wrong with it."""
    terms, words = prompts.split(text)
    try:
        contract = Contract.model_validate({**tomllib.loads(terms), "words": words})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(x) for x in first["loc"])
        raise InputError(f"role: {where}: {first['msg']}", fix=_FIX) from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"role: {error}", fix=_FIX) from error
    if (what := _wrong_with_tools(contract)) is not None:
        raise InputError(f"role {contract.role}: {what}", fix="`docs/roles.md` lists the tools")
    return contract


def _wrong_with_tools(contract: Contract) -> str | None:
    known = {tool.name for tool in TOOLS}
    needed = contract.evidence | contract.concludes_with
    if unknown := (contract.tools | contract.on_request | needed) - known:
        return f"no tool {min(unknown)}"
    if not set(contract.opens_with) <= {x.name for x in TOOLS if x.name in contract.tools and not x.requires}:
        return "it opens with tools of its own that need no argument"
    if not needed <= contract.tools:
        return "evidence and concluding tools are not among its tools"
    if not contract.on_request <= contract.tools - needed - {ASKS}:
        return f"on request are tools of its own, neither evidence nor concluding ones nor {ASKS}"
    if contract.on_request and ASKS not in contract.tools:
        return f"tools on request are asked for by {ASKS}, which is not among its tools"
    return None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{x}`" for x in names)


_FIX = "write name, place, description, tools and concludes_with between lines of +++, then the words"

PAUSES = frozenset({"ask_operator"})
"""Tools that end a turn which goes on later."""

CONTRACTS: Mapping[Role, Contract] = MappingProxyType(
    {name: read_role(prompts.source(name)) for name in ("monitoring", "diagnosis", "planning", "verification")}
)
"""The four roles that every run has."""

RIGHTS: Mapping[Role, frozenset[str]] = MappingProxyType({role: terms.tools for role, terms in CONTRACTS.items()})


@cache
def advisers() -> Mapping[Role, Contract]:
    """The roles that packages offer. Raises `InputError` for one that would do more than advise."""
    found: dict[Role, Contract] = {}
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda x: x.name):
        contract = read_role(str(entry.load()))
        decisive = frozenset[str]().union(*(x.concludes_with for x in CONTRACTS.values()))
        if contract.role in CONTRACTS or not contract.place.startswith("after"):
            raise InputError(f"role {contract.role} of {entry.value}: it can only be heard after a stage", fix=_FIX)
        if contract.concludes_with != frozenset({ADVISE}) or contract.tools & decisive:
            raise InputError(f"role {contract.role} of {entry.value}: it concludes with {ADVISE} alone", fix=_FIX)
        found[contract.role] = contract
    return MappingProxyType(found)


@cache
def alone() -> Contract:
    """All four roles in one: every tool, every word, one budget; what a team of specialists is compared with.

    It owes no evidence before it concludes. The gate is the same.
    """
    return Contract(
        name="alone",
        place="observe",
        description="Operates the network alone.",
        tools=frozenset[str]().union(*(x.tools for x in CONTRACTS.values())),
        on_request=frozenset[str].intersection(*(x.on_request | (_EVERY - x.tools) for x in CONTRACTS.values())),
        concludes_with=frozenset[str]().union(*(x.concludes_with for x in CONTRACTS.values())),
        gate="those of the four roles",
        words="\n\n".join((_ALONE, *(x.words for x in CONTRACTS.values()))),
    )


_EVERY = frozenset[str]().union(*RIGHTS.values())
_ALONE = "You are all four roles in one. Each task belongs to one of them: do what is said for that one, and no more."


def contracts() -> Mapping[Role, Contract]:
    """The four roles and those that packages offer."""
    return {**CONTRACTS, **advisers()}
