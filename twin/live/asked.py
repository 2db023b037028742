"""A watched network whose routers can be asked: every answer is on the record before anybody sees it."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from pydantic import AwareDatetime, Field

from twin.errors import ExecutionError
from twin.model import Frozen, Network

from .network import EVERY_ITEM, Configuration, Filter, ItemKind, Measurable, Mismatch, ProbeReading, StaticRoute
from .watch_record import Asked
from .watched import WatchedNetwork


class LinkRuns(NamedTuple):
    """What a router runs at one of its interfaces."""

    weight: int
    drained: bool
    asleep: bool
    cost_out: bool = False


class RouterRuns(Frozen):
    """What one router said: `links` by the name of the directed link that leaves it."""

    taken: AwareDatetime
    drained: bool
    cost_out: bool = False
    links: dict[str, LinkRuns]
    routes: tuple[StaticRoute, ...] = ()
    filters: tuple[Filter, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    tells: frozenset[ItemKind] = EVERY_ITEM


class ProbeSaid(Frozen):
    """What became of a round of probes; no delay where all were lost."""

    loss: float = Field(ge=0, le=1)
    delay_ms: float | None


class AskedNetwork(WatchedNetwork):
    """A `WatchedNetwork` over one that is `Measurable`, and so is this one.

    An answer that is on file is given again, an error too; whoever asks something else gets an `ExecutionError`.
    """

    def probe(self, source: str, target: str) -> ProbeReading:
        """Probe from one node to another now. Raises as the network itself does."""
        for name in (source, target):
            self._network.node(name)

        def ask(live: Measurable) -> str:
            said = live.probe(source, target)
            delay = None if said.delay_ms != said.delay_ms else said.delay_ms
            return ProbeSaid(loss=said.loss, delay_ms=delay).model_dump_json()

        said = ProbeSaid.model_validate_json(self._answer(f"probe {source} {target}", ask))
        return ProbeReading(said.loss, float("nan") if said.delay_ms is None else said.delay_ms)

    def read_router(self, router: str) -> Configuration:
        """Ask one router for its configuration now; of the others it says what they were told. Raises alike."""
        router = self._network.nodes[self._network.node(router)].name
        told = self._answer(f"router {router}", lambda live: _said(live.read_router(router), router).model_dump_json())
        said = RouterRuns.model_validate_json(told)
        runs = _with(self._network, router, said)
        return Configuration(said.taken, runs, said.routes, said.filters, said.mismatches, said.tells)

    def _answer(self, question: str, ask: Callable[[Measurable], str]) -> str:
        known = self._record.ahead[0] if self._record.ahead else None
        if known is None:
            live = self._opened()
            if not isinstance(live, Measurable):
                raise ExecutionError("this network cannot be asked", fix="look at its measurements")
            try:
                known = Asked(question=question, answer=ask(live))
            except ExecutionError as error:
                known = Asked(question=question, error=str(error), fix=error.fix)
        elif not (isinstance(known, Asked) and known.question == question):
            known = Asked(question=question)  # the record says that it differs
        self._record.happens(known)
        if known.error:
            raise ExecutionError(known.error, fix=known.fix)
        return known.answer


def _said(told: Configuration, router: str) -> RouterRuns:
    links = {
        x.name: LinkRuns(x.weight, x.drained, x.asleep, x.cost_out) for x in told.network.links if x.tail == router
    }
    itself = told.network.nodes[told.network.node(router)]
    return RouterRuns(
        taken=told.taken,
        drained=itself.drained,
        cost_out=itself.cost_out,
        links=links,
        routes=told.routes,
        filters=told.filters,
        mismatches=told.mismatches,
        tells=told.tells,
    )


def _with(network: Network, router: str, said: RouterRuns) -> Network:
    links = tuple(
        x._replace(**said.links[x.name]._asdict()) if x.tail == router and x.name in said.links else x
        for x in network.links
    )
    place = network.node(router)
    before, nodes = network.nodes[place], network.nodes
    itself = before._replace(drained=said.drained, cost_out=said.cost_out)
    if itself != before:  # else the very tuple is handed on: what is known of it need not be found out anew
        nodes = (*nodes[:place], itself, *nodes[place + 1 :])
    return replace(network, links=links, nodes=nodes)
