# ruff: noqa: E501 (a phrase reads best on one line)
"""Whether a model's reading accounts for a text.

Everything that it states must stand there, in the place it is used for, and nothing of substance besides. Nothing is read
here. Each part of a statement is looked for in the phrases that can state it, with exactly its names and
figures; what was found is taken out of the text, and any word that is then left is a question. A phrase that is not
listed costs a question, never a wrong goal.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

from twin.elements import fold
from twin.optimise.preference import Objective

from .times import zone_of
from .types import DrainMode, Goal, OpenError, Statement, TimeWindow, Verb
from .wording import figure

_N = r"(?<![\w.])(?P<n>\d+(?:\.\d+)?)"
_PERCENT = rf"{_N}\s?(?:%|percent\b|per cent\b)"
_SHARE = rf"(?:{_PERCENT}|(?<![\w.])(?P<s>0?\.\d+)(?![\w.%]))"
_RATE = rf"{_N}\s?(?P<u>[mgt])(?:bit/s|bps|b/s)?(?![\w/])"
_UNDER_FAILURE = (
    r"(?:(?:under|with|in|after|during|in case of) (?:any|a|every|each|any single|a single|every single)(?: link| node)? failure"
    r"|(?:when|if|even if|even when) (?:something|anything|any link|a link|any node|a node) fails)"
)
_CAPPED = (
    rf"(?:nothing|no link|no circuit|no links|no circuits)(?: (?:may|must|should|can) (?:be|go|get|rise))? (?:above|over|beyond) {_SHARE}",
    rf"(?:nothing|no link|no circuit)(?: may| must| should)? exceeds? {_SHARE}",
    rf"(?:keep |hold |leave )?(?:every|each|all|all the) (?:links?|circuits?)(?: must| should)?(?: stay| remain| be)? (?:below|under|at or below|at most) {_SHARE}",
    rf"(?:keep |hold )everything (?:below|under|at or below) {_SHARE}",
    rf"(?:max|maximum|peak) (?:link )?utili[sz]ation(?: of| is| at most)? {_SHARE}",
    rf"utili[sz]ation(?: stays| must stay| is)? (?:below|under|at most) {_SHARE}",
)

PHRASES: Mapping[Verb, tuple[str, ...]] = {
    "drain": (
        "drain(?:ing)? {e}", "the drain of {e}", "take {e} out of service", "put {e} (?:into|in) maintenance(?: mode)?",
        "evacuate {e}", "empty {e}", "move (?:all )?(?:the )?(?:transit )?traffic away from {e}",
    ),
    "undrain": ("undrain(?:ing)? {e}", "(?:put|bring) {e} back (?:into|in) service", "return {e} to service"),
    "relieve": ("relieve(?: the network)?", "(?:reduce|fix|relieve) (?:the )?congestion", "get rid of the overload"),
    "limit": (),
    "sleep": ("put {e} to sleep", "let {e} sleep", "save (?:energy|power)", "put idle links to sleep"),
    "wake": ("wake(?: up)? {e}", "wake(?: up)?(?: all| all the| the)? sleeping (?:links|circuits)"),
    "upgrade": (rf"upgrade {{e}} to {_RATE}", "plan an upgrade", "upgrade the network"),
    "grow": (
        rf"(?:make room|prepare|plan|get ready) for {_PERCENT} more traffic",
        rf"(?:prepare|plan|get ready) for (?:a )?(?:traffic )?growth of {_PERCENT}",
        r"(?:prepare|plan|get ready) for (?P<x>\d+(?:\.\d+)?) times the traffic",
    ),
    "restore": ("undo all measures", "restore the normal state", "restore {e}"),
    "reweight": ("(?:tune|optimi[sz]e) the (?:igp )?weights",),
    "steer": ("steer traffic with tunnels",),
    "set_weight": (rf"set the (?:igp )?(?:weight|metric) (?:of|on) {{e}} to {_N}(?![\w.]*\w)",),
    "rate_limit": (rf"rate[ -]limit {{e}} (?:to|at) {_RATE}", rf"limit (?:the )?traffic (?:from )?{{e}} to {_RATE}"),
}  # fmt: skip
"""How a goal may be said; `{e}` is one list of elements."""

LIMITS: Mapping[str, tuple[str, ...]] = {
    "max_failure_utilisation": tuple(rf"{x},? {_UNDER_FAILURE}" for x in _CAPPED),
    "max_utilisation": _CAPPED,
    "max_steps": (rf"(?:in |with |using )?(?:at most|no more than|up to) {_N} (?:steps?|changes?)",),
    "max_delay_stretch": (
        rf"(?:the )?(?:delay|latency)(?: may| must)? (?:grow|rise|increase)s?(?: by)? (?:at most|no more than|up to) {_PERCENT}",
    ),
    "max_blast_radius": (rf"mov(?:e|ing) (?:at most|no more than|up to) {_PERCENT} of (?:the )?traffic",),
}
PROTECT = ("hands off {e}", "without touching {e}", "(?:do not|don't) touch {e}", "leave {e} alone", "protect {e}")
LEAST = {"changes": r"with as few changes as possible", "delay": r"with as little delay as possible"}
CALLED: Mapping[Objective, str] = {
    "utilisation": r"(?:peak )?(?:utili[sz]ation|load)", "margin": r"(?:failure )?margin", "delay": r"(?:delay|latency)",
    "energy": r"(?:energy|power)", "changes": r"(?:few(?:er)? )?(?:changes|steps)", "money": r"(?:money|costs?)",
}  # fmt: skip
"""What objectives are called in a preference such as `prefer delay over changes, then power`."""
REHEARSE = (
    r"(?:just |only )?rehearse", r"simulate", r"dry[ -]run:?", r"(?:do not|don't) execute(?: it| anything)?",
    r"nothing may be changed", r"what (?:if|happens if) we",
)  # fmt: skip
DRAIN_AS: Mapping[DrainMode, tuple[str, ...]] = {
    "cost_out": (
        "(?:as|but keep it as|leaving it as) (?:the |a )?last resort", "by cost[ -]out", "by costing (?:it|them) out",
        "by (?:the )?(?:max|maximum|largest) (?:metric|weight)",
    ),
}  # fmt: skip
POLITE = r"(?:(?:please|pls|kindly|could you|can you|would you|we need to|we want to|i want to|i want you to|(?:i|we) would like to)\s+)+"
FILLERS = frozenset({"please", "and", "with", "thanks"})
_NOW = frozenset({"now", "immediately"})
_NOTHING: frozenset[str] = frozenset()

_CIRCUIT = r"(?:the )?(?:(?:links?|circuits?|lines?) )?"
_NODE = r"(?:the )?(?:(?:nodes?|routers?|sites?) )?"
_NEXT = r"(?:\s*,\s*(?:and )?|\s+and\s+|\s*[&+]\s*)"
_TAKEN = "\0"


def account(statement: Statement, goal: Goal, text: str, *, now: datetime) -> None:
    """Hold a reading against its text. Raises `OpenError` with the first thing that differs, and the reading to confirm."""
    rest = _Rest(text, goal.words)
    rest.left = re.sub(rf"^\s*{POLITE}", _TAKEN, rest.left)
    if statement.rehearse:
        rest.take("rehearse", REHEARSE, again=True)
    for name, phrases in LIMITS.items():
        value = getattr(goal.limits, name)
        if value is not None:
            rest.take(f"{name}:{figure(value)}", phrases, _says(name, value))
    if statement.protected:
        named = _listed(statement.protected, [x.startswith("node/") for x in goal.protected])
        rest.take(f"protect:{','.join(statement.protected)}", [x.replace("{e}", named) for x in PROTECT])
    if statement.prefer:
        named = r"(?:\s*>\s*|,? (?:over|before|then|and then) |, )".join(CALLED[x] for x in statement.prefer)
        phrases = [rf"prefer(?:ring)?:? {named}"]
        if len(statement.prefer) == 1:
            phrases.append(LEAST.get(statement.prefer[0], "(?!)"))
        rest.take(f"prefer:{'>'.join(statement.prefer)}", phrases)
    if goal.mode is not None:
        rest.take(f"mode:{goal.mode}", DRAIN_AS[goal.mode])
    if goal.window is not None:
        _take_window(rest, statement, goal.window, now)
    _take_verb(rest, statement, goal)
    rest.require_empty(FILLERS | (_NOW if goal.window is None else _NOTHING), asking=statement.rehearse)


class _Rest:
    """What of a text has not been accounted for yet."""

    def __init__(self, text: str, reading: str) -> None:
        self.left = fold(text).replace(_TAKEN, "?")
        self._reading = reading

    def take(
        self, part: str, phrases: Sequence[str], fits: Callable[["re.Match[str]"], bool] = bool, *, again: bool = False
    ) -> None:
        """Take out the first phrase that states a part of the reading, with `again` every one that does."""
        found = next((hit for hit in self._hits(phrases) if fits(hit)), None)
        if found is None:
            raise self._open("not in the text", f"the text does not say {part} in words that can be checked")
        while found is not None:
            self.left = self.left[: found.start()] + _TAKEN + self.left[found.end() :]
            found = next((hit for hit in self._hits(phrases) if fits(hit)), None) if again else None

    def _hits(self, phrases: Sequence[str]) -> Iterator["re.Match[str]"]:
        for phrase in phrases:
            pattern = phrase.replace(" ", r"\s+")
            yield from re.finditer(rf"(?<![^\s{_TAKEN}(,;.]){pattern}(?![^\s{_TAKEN}),;.!?])", self.left)

    def require_empty(self, fillers: frozenset[str], *, asking: bool) -> None:
        """Ask about the first word that the reading leaves out."""
        allowed = rf"[\s{_TAKEN},;.!{'?' if asking else ''}]+"
        over = [word for word in re.split(allowed, self.left) if word and word not in fillers]
        if over:
            raise self._open("not in the reading", f"{over[0]!r} is in the text and not in what was read")

    def _open(self, code: str, text: str) -> OpenError:
        question = f"{text}; is this meant: {self._reading} ?"
        return OpenError(
            "not in the text" if code == "not in the text" else "not in the reading", question, choices=(self._reading,)
        )


def _take_verb(rest: _Rest, statement: Statement, goal: Goal) -> None:
    phrases = [x for x in PHRASES[goal.verb] if ("{e}" in x) == bool(statement.elements)]
    if goal.verb == "limit":
        return
    kinds = [x.startswith("node/") for x in goal.elements]
    named = _listed(
        statement.elements, kinds if len(kinds) == len(statement.elements) else [False] * len(statement.elements)
    )
    rest.take(
        goal.words.partition(" ")[0], [x.replace("{e}", named) for x in phrases], lambda hit: _value_stands(hit, goal)
    )


def _value_stands(hit: "re.Match[str]", goal: Goal) -> bool:
    groups = hit.groupdict()
    match goal.verb:
        case "grow":
            factor = float(groups["x"]) if groups.get("x") else 1 + float(groups["n"]) / 100
            return _same(factor, goal.factor)
        case "set_weight":
            return _same(float(groups["n"]), goal.weight)
        case "upgrade" | "rate_limit" if groups.get("u"):
            return _same(float(groups["n"]) * {"m": 1.0, "g": 1e3, "t": 1e6}[groups["u"]], goal.capacity or goal.rate)
        case _:
            return True


def _says(name: str, value: float) -> Callable[["re.Match[str]"], bool]:
    def says(hit: "re.Match[str]") -> bool:
        groups = hit.groupdict()
        if name == "max_steps":
            return _same(float(groups["n"]), value)
        share = float(groups["s"]) if groups.get("s") else float(groups["n"]) / 100
        return _same(1 + share if name == "max_delay_stretch" else share, value)

    return says


def _same(first: float, second: float | None) -> bool:
    return second is not None and abs(first - second) <= 1e-9 * max(1.0, abs(second))


def _listed(names: Sequence[str], are_nodes: Sequence[bool]) -> str:
    """A pattern for these names as one list, in this order, each called what it is or nothing."""
    return _NEXT.join(
        (_NODE if is_node else _CIRCUIT)
        + re.sub(r"\\?\s+", " ", re.escape(fold(name)))
        + (r"(?: node| router)?" if is_node else r"(?: link| circuit)?")
        for name, is_node in zip(names, are_nodes, strict=True)
    )


_TIME = r"(?:(?:from|between|at|on) )?(?:(?P<d1>\d{4}-\d\d-\d\d)[t\s])?(?P<t1>\d\d?:\d\d)(?:\s*-{1,2}\s*| (?:to|until|till|and) )(?:(?P<d2>\d{4}-\d\d-\d\d)[t\s])?(?P<t2>\d\d?:\d\d)"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _take_window(rest: _Rest, statement: Statement, window: TimeWindow, now: datetime) -> None:
    place = zone_of(window.zone)
    start, end, today = (x.astimezone(place) for x in (window.start, window.end, now))

    def stands(hit: "re.Match[str]") -> bool:
        clocks = (f"{start:%H:%M}", f"{end:%H:%M}")
        dates = (hit["d1"] in (None, f"{start:%Y-%m-%d}"), hit["d2"] in (None, f"{end:%Y-%m-%d}"))
        follows = hit["d2"] is not None or window.end - window.start < timedelta(days=1)
        return (hit["t1"].zfill(5), hit["t2"].zfill(5)) == clocks and all(dates) and follows

    dated = re.search(_TIME, rest.left)
    rest.take(f"from:{start:%Y-%m-%dT%H:%M} until:{end:%Y-%m-%dT%H:%M}", [_TIME], stands)
    if statement.zone:
        called = [re.escape(x).replace("\\ ", " ") for x in _called(statement.zone)]
        rest.take(f"zone:{statement.zone}", [rf"\(?{x}\)?" for x in called])
    if dated is not None and dated["d1"]:
        return
    day = next(
        (x for x in _days(start, today) if re.search(rf"(?<!\S){x}(?!\S)", re.sub(rf"[{_TAKEN},;.!]", " ", rest.left))),
        None,
    )
    if day is not None:
        rest.take(f"from:{start:%Y-%m-%d}", [day])
    elif not now <= window.start < now + timedelta(days=1, minutes=1):
        rest.take(f"from:{start:%Y-%m-%d}", ["(?!)"])


def _days(start: datetime, today: datetime) -> list[str]:
    """The words that mean the day of a start: exact ones, and `tonight` for the coming night alone."""
    ahead = (start.date() - today.date()).days
    night = start.hour >= 18 if ahead == 0 and today.hour >= 6 else start.hour < 8
    soon = timedelta(0) <= start.astimezone(UTC) - today.astimezone(UTC) < timedelta(days=1)
    return [
        rf"(?:on )?{start:%Y-%m-%d}",
        *(["today"] if ahead == 0 else []),
        *(["tomorrow"] if ahead == 1 else []),
        *([rf"(?:on )?{_DAYS[start.weekday()]}"] if 0 < ahead < 7 else []),
        *(["tonight"] if soon and night else []),
    ]


def _called(zone: str) -> tuple[str, ...]:
    city = zone.rpartition("/")[2].replace("_", " ")
    return tuple(fold(x) for x in ((f"{city} time", zone) if "/" in zone else (zone, f"{zone} time")))


@cache
def _zones() -> dict[str, str]:
    return {called: zone for zone in sorted(available_timezones(), reverse=True) for called in _called(zone)}


def zones_called(text: str) -> Iterator[str]:
    """The zones that a folded text names, as `Europe/Berlin` or as `Berlin time`."""
    words = re.findall(r"[^\s,;()]+", text)
    for size in (3, 2, 1):
        for at in range(len(words) - size + 1):
            zone = _zones().get(" ".join(words[at : at + size]).rstrip(".!?"))
            if zone is not None:
                yield zone
