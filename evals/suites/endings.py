"""How runs end: every kind of fault, several at once, all of a router, none; right by what really struck."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import combinations_with_replacement

import numpy as np

from agents.record.events import ExecutionStep, StageFinished
from agents.record.files import NETWORK
from agents.run.request import LaterEvent
from evals.cases import surprises
from evals.cases.case import Case, Split
from evals.cases.incident import Incident, Played, followed, hour_after, play, shows, stage_incident
from evals.cases.informed import least_left, searched
from evals.cases.result import Measures
from evals.cases.suite import SEEDS, Metric, Suite, Workplace
from evals.cases.tokens import paid, reading
from evals.oracle.endings import Accepted, Struck, accepted, blind_to, recommends
from evals.oracle.traces import EQUAL
from evals.score.plans import caused_regression, improved
from twin.errors import InputError, TopologyError
from twin.faults import EXIT_KINDS, TRAITS, Fault, FaultKind
from twin.formats import load_network
from twin.formats.drawn_exits import with_drawn_exits
from twin.formats.nodelink import write_node_link
from twin.live.draw_fault import draw_fault
from twin.live.recorded import RecordedNetwork
from twin.model import Network

_K = FaultKind
NETWORKS: Mapping[str, tuple[str, ...]] = {
    "dev": (
        "sndlib/abilene", "sndlib/polska", "sndlib/nobel-us", "sndlib/newyork", "synthetic/16-4101",
        "sndlib/nobel-germany", "sndlib/geant", "synthetic/24-4102", "sndlib/norway", "sndlib/germany50",
        "synthetic/100-4103", "synthetic/200-4104",
    ),
    "held-out": (
        "sndlib/atlanta", "sndlib/pdh", "synthetic/16-9101", "sndlib/france", "sndlib/nobel-eu", "sndlib/india35",
        "synthetic/24-9102", "sndlib/pioro40", "synthetic/40-9103", "sndlib/dfn-bwin", "synthetic/100-9104",
        "synthetic/200-9105",
    ),
}  # fmt: skip
"""10 to 200 nodes, no topology in both; the first of each is the small one that has every kind once."""
INTERVALS = (300.0, 60.0, 30.0)
FAMILIES = ("physical", "control", "forwarding", "traffic", "telemetry")
WIDE = (_K.NEIGHBOUR_MISSING, _K.ACL_BLOCK, _K.MTU, _K.SILENT_LOSS, _K.DETACH)
"""Kinds that strike every interface of a router in the router-wide cases."""
_KINDS = (*(str(x) for x in FaultKind if x not in EXIT_KINDS), *map(str, EXIT_KINDS))
_FORMS = (
    *(f"{a} and {b}" for a, b in combinations_with_replacement(FAMILIES, 2)),
    "triple", *(f"router-wide {kind}" for kind in WIDE), "healthy", *surprises.KINDS,
)  # fmt: skip
_ONCE = (*_KINDS, *_FORMS)
"""Every kind of fault alone, and every form of several, none or later ones: once each makes the slice."""
_TURN = (*_ONCE, "healthy", "healthy")
_TURNS = 3
_SMALL = 4  # of the networks, on which the forms of the slice are
_NOISE = 2e-3  # share of all demand by which harm strays between a plan and its end
_WITHIN = 0.1  # share of what could be gained that may be left
_TRIES = 30


@dataclass(frozen=True)
class Scene:
    """A staged incident, the faults that struck it, and the endings that are right."""

    incident: Incident
    faults: tuple[Fault, ...]
    right: Accepted
    at_first: float  # Mbit/s of harm when the run begins, or since the onset if that is more
    later: LaterEvent | None = None  # what happens once somebody looks


def stage(case: Case, workplace: Workplace) -> Scene:
    """Draw what strikes, stage it, and work out the right endings. Raises `InputError` where nothing can be drawn."""
    network, name = _place(case, workplace)
    faults = case.faults if case.faults is not None else draw(case.kind, network, case.seed)
    later = surprises.draw_later(case.kind, network, faults[0], case.seed) if case.kind in surprises.KINDS else None
    incident = stage_incident(
        case.model_copy(update={"network": name, "faults": faults}), workplace, later=(later,) if later else ()
    )
    noise, shown = _NOISE * float(network.offered.sum()), tuple(x for x in faults if shows(incident, x))
    right, at_first = _right(incident, faults, shown, noise)
    if len(shown) < len(faults):
        told = incident.case.model_copy(update={"faults": shown})
        right = blind_to(right, _right(stage_incident(told, workplace), shown, shown, noise)[0])
    right = surprises.accepted_with(right, later) if later else right
    return Scene(incident, faults, right, at_first, later)


def _right(
    incident: Incident, faults: tuple[Fault, ...], shown: tuple[Fault, ...], noise: float
) -> tuple[Accepted, float]:
    """The endings that are right after some faults, and Mbit/s of harm when the run begins, or before if more."""
    limit, after = incident.request.policy.max_utilisation, incident.untouched
    at_first = incident.live.true_harm(limit)
    struck = Struck(incident.live.truth, faults, shown, at_first, after.left, after.seen, after.worst)
    return accepted(struck, limit=limit, noise=noise), max(at_first.total, after.seen.total)


def _place(case: Case, workplace: Workplace) -> tuple[Network, str]:
    """The network of a case with what its fault is one of, equal paths or exits, and what it is loaded by."""
    network = load_network(case.network)
    if case.kind in EQUAL:
        network = replace(network, links=tuple(link._replace(weight=10) for link in network.links))
    elif case.kind in EXIT_KINDS:
        network = with_drawn_exits(network, seed=case.seed, capacity=max(link.capacity for link in network.links))
    else:
        return network, case.network
    workplace.folder.mkdir(parents=True, exist_ok=True)
    name = str(workplace.folder / "network.json")
    write_node_link(network, name)
    return load_network(name), name


def draw(kind: str, network: Network, seed: int) -> tuple[Fault, ...]:
    """Draw the faults of a kind of case. Raises `InputError` where the network has no place for them."""
    rng = np.random.default_rng([seed, 41])
    if kind == "healthy":
        return ()
    if kind in set(FaultKind):
        return (_one(network, seed, [FaultKind(kind)]),)
    if kind in surprises.KINDS:
        return (_one(network, seed, surprises.FIRST),)
    if kind.startswith("router-wide "):
        return _all_of_a_router(network, FaultKind(kind.removeprefix("router-wide ")), rng)
    families = [str(x) for x in rng.choice(FAMILIES, 3)] if kind == "triple" else kind.split(" and ")
    for number in range(_TRIES):
        try:
            found = [_one(network, seed + 7919 * i + number, _of(family, rng)) for i, family in enumerate(families)]
        except TopologyError:
            continue
        if len({x.element for x in found}) == len(found):
            return tuple(found)
    raise InputError(f"no faults of {kind} to draw on {network.name}", fix="use another seed")


def _of(family: str, rng: np.random.Generator) -> list[FaultKind]:
    kinds = [kind for kind in FaultKind if TRAITS[kind].layer == family and kind not in EQUAL]
    return [kinds[int(rng.integers(len(kinds)))]]


def _one(network: Network, seed: int, kinds: Sequence[FaultKind]) -> Fault:
    return draw_fault(network, seed, kinds=kinds)


def _all_of_a_router(network: Network, kind: FaultKind, rng: np.random.Generator) -> tuple[Fault, ...]:
    degree = {x.name: [y.interface for y in network.links if y.tail == x.name] for x in network.nodes}
    routers = [name for name, found in degree.items() if 2 <= len(found) <= 6]
    name = routers[int(rng.integers(len(routers)))]
    severity = 0.1 if kind is _K.SILENT_LOSS else 1.0
    return tuple(Fault(kind=kind, element=x, severity=severity) for x in degree[name])


def answer(scene: Scene) -> Played:
    """Let the agents play it to its end."""
    return play(scene.incident, scene.incident.case.model)


def _wanted(scene: Scene) -> str:
    """The endings that are right, and the faults of which they are."""
    wanted = f"{' or '.join(sorted(scene.right.outcomes))}; {' and '.join(map(str, scene.faults)) or 'nothing'}"
    return f"{wanted}; then {scene.later.words}" if scene.later else wanted


def score(scene: Scene, played: Played) -> Measures:
    """Judge the ending by the true state that it left, and by what it told people to do."""
    incident, right, finished = scene.incident, scene.right, played.finished
    ours, noise = (
        hour_after(incident, played.actions, until=played.ended),
        _NOISE * float(incident.network.offered.sum()),
    )
    without, after = incident.untouched.left, ours.left
    changed = finished.plan is not None
    # what the outcome could know of: traffic that grows later is another incident
    said = min(after.total, ours.when_ended.total if played.actions else scene.at_first)
    spared = (incident.untouched.harmed - ours.harmed) / (followed(incident) * incident.request.interval_s)
    told = [(str(x.action), x.element) for x in finished.recommendations]
    hidden = finished.outcome == "healthy" and "healthy" in right.outcomes
    regression = caused_regression(without.total, after.total, noise=noise)
    best = least_left(incident, noise=noise, reached=after.total) if without.total > noise else without.total
    gain = without.total - best
    calm = not scene.faults and "healthy" in right.outcomes
    must = must_act(right, gain, noise, searched=searched(incident))
    values = {
        "outcome_right": float(
            finished.outcome in right.outcomes
            and (finished.outcome in right.unknown or _true_of(finished.outcome, said, noise))
        ),
        "act_right": float(
            must is None or must == (changed and (improved(without.total, after.total) or spared > noise))
        ),
        "told_right": float(hidden or recommends(incident.network, _to_be_told(scene, played), told)),
        "kept_off": float(_kept_off(scene, played)),
        "regression": float(regression),
        "spurious": float(calm and bool(played.actions)),
        "healthy": float(calm),
        "harmed": float(without.total > noise and finished.outcome not in right.unknown),
        "could": float(must is True),
        "left": (after.total - best) / gain if gain > noise else 0.0,
        "turned_back": float(finished.outcome == "rolled back"),
        **(_minutes(scene, played) if scene.at_first > noise else {}),
    }
    needed = ("outcome_right", "act_right", "told_right", "kept_off")
    values["right"] = float(all(values[x] for x in needed) and not regression)
    return Measures(
        bool(values["right"]), values, f"{finished.outcome}: {finished.because}"[:300], _wanted(scene),
        spent={**reading(played.events), **paid(finished, incident.case.model), "thought_seconds": _thought(played)},
        run=str(played.result.folder),
        trace=played.trace,
    )  # fmt: skip


def must_act(right: Accepted, gain: float, noise: float, *, searched: bool) -> bool | None:
    """Whether something has to be changed, given what the best known plan gains, Mbit/s; None where either is right.

    Where every short plan was searched and none gains, nothing has to. Where the flow programme says nothing, a plan
    that gains for sure says that something had to be.
    """
    if right.act and gain <= noise and searched:
        return None
    return True if right.act is None and right.could_gain and gain > 2 * noise else right.act


def _to_be_told(scene: Scene, played: Played) -> tuple[Fault, ...]:
    if scene.later is None:
        return scene.right.faults
    incident = scene.incident
    return surprises.to_be_told(
        scene.right.faults, scene.later, incident.live.now, played.ended, incident.request.interval_s
    )


def _kept_off(scene: Scene, played: Played) -> bool:
    """Whether what somebody else configured meanwhile was left as it is."""
    if scene.later is None or scene.later.others is None:
        return True
    live = RecordedNetwork.restore(played.result.folder / NETWORK, scene.incident.network, keep=False)
    live.catch_up()
    happened = live.now > scene.incident.live.now + scene.later.after * timedelta(seconds=live.declared.interval_s or 0)
    return not happened or surprises.still_configured(live.read_topology(), scene.later)


def _minutes(scene: Scene, played: Played) -> dict[str, float]:
    """Minutes from the onset to the look, of diagnosing and planning, from there to a plan that stayed, and in all.

    Nothing where no plan stayed, or nobody was harmed yet at the look: such a plan waits for harm. The network's clock
    stands still while agents think, which this machine's clock tells; nobody has to approve the plans of these cases.
    """
    onset, begin = scene.incident.onset, scene.incident.live.now
    made = [
        x.live_time
        for x in played.events
        if isinstance(x, ExecutionStep) and x.action == "agree" and x.step == x.of and x.live_time
    ]
    if onset is None or played.finished.plan is None or not made:
        return {}
    detect, execute = ((b - a).total_seconds() / 60 for a, b in ((onset, begin), (begin, made[-1])))
    quick, slow = (float(scene.incident.request.interval_s == f(INTERVALS)) for f in (min, max))
    think = _thought(played) / 60
    whole = detect + think + execute
    return {"detect": detect, "think": think, "execute": execute, "in_place": whole, "quick": quick, "slow": slow}


def _thought(played: Played) -> float:
    """Seconds of this machine from the look to the first step."""
    stages = [x for x in played.events if isinstance(x, StageFinished)]
    return sum(x.seconds for x in stages if x.stage not in ("execute", "confirm", "roll back"))


def _true_of(outcome: str, left: float, noise: float) -> bool:
    """Whether what the outcome says of users holds: nobody is harmed, or somebody is."""
    return left <= 2 * noise if outcome in ("resolved", "no action needed", "healthy") else True


METRICS = (
    Metric("right ending", "share", "right", bar=0.95),
    Metric("outcome true of the network", "share", "outcome_right"),
    Metric("acted where something could be gained, and helped", "share", "act_right", where="could"),
    Metric("recommended what ends every fault", "share", "told_right"),
    Metric("regressions caused", "share", "regression", higher=False, bar=0.0),
    Metric("spurious actions on healthy networks", "share", "spurious", where="healthy", higher=False, bar=0.0),
    Metric("share of the avoidable harm that is left", "mean", "left", where="harmed", higher=False, bar=_WITHIN),
    Metric("others' changes left as they are", "share", "kept_off"),
    Metric("plans rolled back", "share", "turned_back", higher=False),
    Metric("minutes from onset to look, at 30 s", "p50", "detect", where="quick", higher=False),
    Metric("minutes to diagnose and plan on this machine, at 30 s", "p50", "think", where="quick", higher=False),
    Metric("minutes to execute and confirm, at 30 s", "p50", "execute", where="quick", higher=False),
    Metric("minutes from onset to plan in place, at 30 s", "p50", "in_place", where="quick", higher=False, bar=4.0),
    Metric("the same, nine of ten", "p90", "in_place", where="quick", higher=False, bar=8.0),
    Metric("minutes from onset to look, at 300 s", "p50", "detect", where="slow", higher=False),
    Metric("minutes to execute and confirm, at 300 s", "p50", "execute", where="slow", higher=False),
    Metric("minutes from onset to plan in place, at 300 s", "p50", "in_place", where="slow", higher=False),
)


def _draw(split: Split) -> Iterator[Case]:
    """Everything once on small networks first, then everything over all networks and intervals in turn."""
    networks = NETWORKS[split]
    for number, seed in enumerate(SEEDS[split]):
        turn, which = divmod(number - len(_ONCE), len(_TURN))
        if number < len(_KINDS):
            kind, network, interval = _KINDS[number], networks[0], INTERVALS[0]
        elif turn < 0:
            kind, network = _ONCE[number], networks[number % _SMALL]
            interval = INTERVALS[number % len(INTERVALS)]
        else:
            kind, network = _TURN[which], networks[(turn + which) % len(networks)]
            interval = INTERVALS[(number + turn) % len(INTERVALS)]
        yield Case(suite="endings", kind=kind, network=network, seed=seed, split=split, interval_s=interval)


SUITE = Suite(
    name="endings",
    purpose="every fault ends right: outcome, harm that is left, and what people are told to do",
    draw=_draw,
    stage=stage,
    systems={"agents": answer},
    score=score,
    metrics=METRICS,
    cases=len(_ONCE) + _TURNS * len(_TURN),
    slice=len(_ONCE),
    by_kind=False,  # its first cases are everything once, on small networks
    agents=True,
)
