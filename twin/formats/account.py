"""What became of every field of a file: used, assumed where the file is silent, or not modelled."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from twin.model import Frozen

Became = Literal["used", "assumed", "not modelled"]


class FieldUse(Frozen):
    """What became of one field, or of one kind of thing, of a file."""

    field: str = Field(description="As the file names it, such as `link metric`.")
    became: Became
    count: int = Field(ge=0, description="How many nodes, links, demands or rows it concerns.")
    note: str = Field(description="Used: as what. Assumed: the value and why. Not modelled: what that means.")
    decides_routing: bool = Field(default=False, description="Not modelled, and loads may run elsewhere for it.")

    def __str__(self) -> str:
        return f"{self.field}: {self.note}"


class Account(Frozen):
    """The account that a reader ends with: every field of the file, and every value that is not the file's."""

    file: str
    format: str
    fields: tuple[FieldUse, ...] = ()

    @property
    def assumed(self) -> tuple[str, ...]:
        """What was assumed, one sentence each."""
        return self._sentences("assumed")

    @property
    def not_modelled(self) -> tuple[str, ...]:
        """What is in the file and not in the network, one sentence each."""
        return self._sentences("not modelled")

    @property
    def unmodelled_routing(self) -> tuple[str, ...]:
        """What is not modelled although it decides where traffic runs, one sentence each."""
        return tuple(str(use) for use in self.fields if use.became == "not modelled" and use.decides_routing)

    @property
    def estimated_traffic(self) -> str:
        """How the traffic was estimated from the loads of links; empty where it is stated, measured or a model's."""
        notes = [x.note for x in self.fields if x.field == "traffic" and x.became == "assumed"]
        return next((note for note in notes if "from link loads" in note), "")

    def with_estimate(self, how: str, count: int) -> "Account":
        """Return the account of a network whose traffic was estimated: what its files state of it is not used."""
        told = FieldUse(field="traffic", became="assumed", count=count, note=f"{how}; loads after failures rest on it")
        kept = tuple(x for x in self.fields if x.field != "traffic" or x.became == "not modelled")
        return self.model_copy(update={"fields": (*kept, told)})

    def with_fields(self, more: Iterable[FieldUse]) -> "Account":
        """Return the account with further fields."""
        return self.model_copy(update={"fields": (*self.fields, *more)})

    def _sentences(self, became: Became) -> tuple[str, ...]:
        return tuple(str(use) for use in self.fields if use.became == became)
