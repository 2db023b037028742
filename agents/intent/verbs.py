# ruff: noqa: E501 (a phrase reads best on one line)
"""What is to be done: the phrases of each goal. A phrase that is negated is no goal."""

import re
from typing import NamedTuple

from .types import Verb
from .words import ELEMENT, NUMBER, TAKEN, Reading

E = rf"{ELEMENT}+"
_KIND = r"(?:node|router|site|pop|link|circuit|span|trunk|line|interface|edge)s?"
_THE = rf"(?:the |an? |our |that |this )?(?:{_KIND} )?"
_OBJ = rf"(?:{_THE}{E}(?:\s*(?:,|and|&|\+|, and)\s*{_THE}{E})*|it|them|this|that)"
_RATE = rf"(?P<n>{NUMBER})\s?(?P<unit>[kmgt]?bit/s|[kmgt]bps|[kmgt]b/s|[kmgt]bits?|[mgt]b?\b)"
_SERVICE = r"(?:service|rotation|routing|use|operation|production|traffic|duty|the rotation|the routing)"

_PATTERNS: tuple[tuple[Verb, str], ...] = (
    (
        "undrain",
        rf"\b(?:bring|take|get|give) {_OBJ} back(?: again)?(?: (?:after|from) (?:the |its )?(?:maintenance|works?|repairs?))?(?=\s*[.!,;]?\s*$|\s*\x00)",
    ),
    ("restore", r"\b(?:clean up|tidy up)\b"),
    (
        "drain",
        rf"\b(?:want|need|have|get|like|see) {_OBJ} (?:to be )?(?:drained|emptied|evacuated|out of (?:the )?(?:service|rotation|routing|use))\b",
    ),
    (
        "drain",
        rf"\b(?:all |the )*traffic (?:must|should|has to|needs to|is to|shall) be (?:moved|shifted|steered|removed|taken|diverted|rerouted) (?:off|away from|from|out of) (?={_THE}{E})",
    ),
    ("drain", rf"\bunload (?={_THE}{E})"),
    (
        "relieve",
        r"\b(?:links?|network|backbone|core|circuits?) (?:is|are) (?:\w+ )?(?:congested|overloaded|too (?:full|hot|busy))\b",
    ),
    (
        "relieve",
        r"\bunload (?:the )?(?:most loaded|busiest|hottest|fullest|hot|busy|overloaded|congested) (?:links?|circuits?)\b",
    ),
    ("relieve", r"\bbring (?:the )?(?:peak|load|peak load|utili[sz]ation|peak utili[sz]ation|congestion) down\b"),
    ("relieve", r"\bre-?balanc(?:e|ing)\b"),
    ("wake", r"\bwake everything(?: up)?\b"),
    (
        "upgrade",
        r"\b(?:where|which (?:links|circuits|lines)|what)\b[^\x01]*?\b(?:more (?:capacity|bandwidth)|upgrad(?:e|es|ing|ed))\b(?: for| on| to)?",
    ),
    (
        "upgrade",
        r"\b(?:find|compute|what is|show|determine) (?:me )?(?:the |an? )?(?:cheapest|smallest|least|best|minimal|necessary|needed)? ?(?:capacity |bandwidth )?upgrades?\b",
    ),
    (
        "grow",
        rf"\b(?:make|get) (?:the |our |this )?(?:network|backbone|everything|us|core) (?:ready|fit)\b[^\x01;]*?(?:(?P<n>{NUMBER})\s*(?P<pct>%|percent|per cent|x\b|times|fold)(?: (?:more |additional |extra |the )?(?:traffic|demand|load|growth|users))?|(?P<dbl>twice|double|triple)(?: the)?(?: traffic| demand| load)?)",
    ),
    (
        "undrain",
        rf"{E} (?:can|may|should|must|is allowed to|is ready to) (?:take|carry|have) (?:transit )?traffic(?: again| once more)?",
    ),
    ("sleep", rf"\blet {_OBJ} (?:sleep|rest)\b"),
    (
        "wake",
        rf"\b(?:power|turn|switch|bring) (?:{_OBJ}|(?:the |all |any )*(?:sleeping |idle )?(?:links?|circuits?)) (?:back )?(?:up|on)(?: again| back)?\b",
    ),
    (
        "relieve",
        r"\b(?:cool (?:it|them|the network|things) down|(?:network|backbone|core) is too (?:hot|full|busy|congested))\b",
    ),
    (
        "relieve",
        r"\b(?:take|move|get|shift|pull) (?:some |the )?(?:load|traffic) (?:off|away from) (?:the )?(?:busiest|hottest|fullest|hot|busy|overloaded|congested) (?:links?|circuits?|lines?)\b",
    ),
    (
        "set weight",
        rf"\b(?:set|change|put|raise|lower|increase|decrease|make) (?:the )?(?:igp |ospf |isis |is-is |link )?(?:weight|metric|cost)s? (?:of|on|for|at) {_OBJ} (?:to|at|=) (?P<n>{NUMBER})",
    ),
    (
        "set weight",
        rf"\b(?:give|assign) {_OBJ} (?:an? |the )?(?:igp |ospf |isis |link )?(?:weight|metric|cost) (?:of )?(?P<n>{NUMBER})",
    ),
    (
        "set weight",
        rf"{E}:? (?:igp |ospf |isis )?(?:weight|metric|cost) (?:to|=|should be|becomes?|is to be) (?P<n>{NUMBER})",
    ),
    (
        "rate limit",
        rf"\b(?:rate[- ]?limit|throttle|police|shape|cap|limit) (?:the )?(?:traffic |demand |flow |flows )?(?:from |of |between )?{_OBJ} (?:to|at|down to) (?:at most |no more than )?{_RATE}",
    ),
    (
        "undrain",
        r"\b(?:un-?drain(?:ed|ing)?|undo the drain(?:ing)?(?: of)?|end the drain(?:ing)?(?: of)?|stop draining|lift the drain (?:of|on|from)|cancel the drain (?:of|on))\b",
    ),
    (
        "undrain",
        rf"\b(?:put|bring|take|give|get|return|restore|hand|place|let|move|send) {_OBJ} (?:be )?(?:back )?(?:(?:in|into|to|to carry|carry) (?:normal |regular |full )?{_SERVICE}|online|live|carry traffic)(?: again| back)?",
    ),
    ("undrain", rf"\b(?:put|bring|take|get|switch) back {_OBJ}(?: (?:in|into|to|for) (?:normal )?{_SERVICE})?"),
    ("undrain", r"\b(?:re-?enable|reinstate|re-?activate|recommission|re-?open|return to service|put back) "),
    ("undrain", rf"\b(?:maintenance|work) (?:on|at|of) {_OBJ} is (?:over|done|finished|complete|completed)"),
    ("undrain", r"\b(?:end|finish|close|conclude) (?:the )?maintenance (?:on|at|of|for) "),
    (
        "wake",
        r"\b(?:wake(?: up)?(?: (?:all|any|every)(?: of)?(?: the)?(?: sleeping)? (?:links?|circuits?))?|awaken|power up|power on|switch (?:back )?on|turn (?:back )?on|unsleep)\b",
    ),
    ("wake", rf"\b(?:bring|get) {_OBJ} out of sleep"),
    (
        "sleep",
        rf"\b(?:put|send|set) (?:{_OBJ}|idle links|links|spare links|unused links|unneeded links|some links|as many links as possible|(?:idle |unneeded |spare |unused )?circuits) (?:to sleep|asleep|in sleep mode|into (?:a )?sleep(?: mode)?)",
    ),
    (
        "sleep",
        r"\b(?:save|saving|reduce|cut|lower|minimi[sz]e|conserve) (?:on )?(?:some |the |as much |our )?(?:energy|power|electricity|watts)(?: (?:use|usage|consumption|draw|bill|demand))?(?: as possible)?",
    ),
    (
        "sleep",
        r"\b(?:sleep|power down|power off|switch off|turn off|shut off|hibernate) (?:the |all |any |as many |some )?(?:idle |unneeded |spare |unused |needless |superfluous )?(?:links?|circuits?|lines?|capacity)?(?: as possible| (?:that )?(?:nobody|no one|no traffic) needs| (?:that are )?not needed)?",
    ),
    ("sleep", r"\bgo green\b"),
    (
        "upgrade",
        r"\b(?:upgrade|expand|enlarge|augment|add (?:more )?capacity (?:to|on|at|for|where)|add bandwidth (?:to|on|at|for|where)|(?:plan|propose|order|buy|find|request) (?:the |more |new |an? )?(?:capacity )?(?:upgrades?|capacity|bandwidth))",
    ),
    (
        "grow",
        rf"\b(?:make room|prepare|get ready|plan|be ready|provision|dimension|get the network ready|ready the network|cope|head ?room|room)\b[^\x01;]*?\b(?:(?P<n>{NUMBER})\s*(?P<pct>%|percent|per cent|x\b|times|fold)(?:\s+(?:of )?(?:traffic )?(?:growth|more traffic|more demand|more load|additional traffic|extra traffic|growth in traffic|growth of traffic|the traffic|today's traffic|higher demand|increase|traffic|demand))?|(?P<dbl>twice|double|doubled|doubling|triple|tripled)(?: of)?(?: the)?(?: traffic| demand)?)",
    ),
    (
        "grow",
        rf"\b(?:traffic|demands?|load|volume|all demands)\b[^\x01;]*?\b(?:grow\w*|increas\w*|rises?|go(?:es)? up|doubles?|triples?)\b(?:[^\x01;]*?(?P<n>{NUMBER})\s*(?P<pct>%|percent|per cent|x\b|times|fold))?",
    ),
    (
        "grow",
        rf"\bgrow\w* (?:the )?(?:headroom|network|traffic|demands?|capacity)?\s*(?:by|for|to|of|at|with)?\s*(?:a factor of |factor )?(?P<n>{NUMBER})\s*(?P<pct>%|percent|per cent|x\b|times|fold)?",
    ),
    (
        "grow",
        rf"\b(?:support|carry|absorb|take|handle|accommodate|survive) (?P<n>{NUMBER})\s*(?P<pct>%|percent|per cent|x\b|times|fold) (?:of )?(?:the |more |additional |extra )?(?:traffic|demands?|load|growth)(?: growth)?",
    ),
    (
        "restore",
        r"\b(?:restore|undo|revert|roll back to|go back to|remove|lift|clear|take back|roll back|withdraw|reset)\b (?:all |any |every |the |of |our )*(?:temporary |earlier |previous |old |special |original |initial |default |traffic engineering |te )?(?:measures?|changes|drains(?: and tunnels)?|tunnels|work-?arounds?|interventions?|limits|network|everything|normal (?:state|operation|routing)|state|configuration)(?: (?:and|,) (?:the |all )?(?:measures?|changes|drains?|tunnels|work-?arounds?|limits))*(?: (?:to|back to) (?:normal|its normal state|normal operation|the normal state|how it was|default))?",
    ),
    (
        "restore",
        r"\b(?:return|go back|bring (?:the network|everything)(?: back)?|get (?:the network|everything)? ?back|put everything back) to (?:normal|the normal state|default|baseline)(?: (?:operation|routing|state))?",
    ),
    (
        "reweight",
        r"\b(?:re-?weight|re-?tune|tune|adjust|optimi[sz]e|change|search|find(?: better)?|improve|set better|recompute)\b (?:the |all |new |better |of )*(?:igp |ospf |isis |is-is |link )?(?:weights?|metrics?|costs?)(?: of the (?:network|links))?",
    ),
    ("reweight", r"\b(?:reweight|reweigh)\b(?: the)?(?: network| links)?"),
    (
        "reweight",
        r"\b(?:by|using|with|via|through|only) (?:(?:changing|adjusting|tuning|setting|new|better|other) )?(?:igp |ospf |isis |link |only )?(?:weights?|metrics?)(?: changes?| alone| only)?\b",
    ),
    (
        "steer",
        r"\b(?:steer|engineer|direct|re-?route|route|move|shift) (?:the |some )?(?:traffic|demands|flows) (?:around|away from|off|out of) (?:the )?(?:congestion|hot ?spots?|bottlenecks?|busy links|busiest links?|overload(?:ed links)?|hot links)",
    ),
    (
        "steer",
        r"\b(?:by|using|use|with|via|through|set up|find|install|compute)\b (?:the |some |only )?(?:segment routing|sr|sr-te|sr policies|tunnels?|traffic engineering tunnels?|te tunnels)(?: only| alone| policies)?\b",
    ),
    ("steer", r"\bsteer (?:the )?traffic\b(?: with (?:segment routing|tunnels|sr))?"),
    (
        "drain",
        r"\b(?:drain(?:ing)?|evacuate|vacate|decommission|offload|off-load|isolate)\b(?: (?:all |the )?(?:transit )?traffic (?:from|off|out of))?",
    ),
    ("drain", rf"\b(?:empty|clear|free|clean)\b(?: up| out)?(?= {_THE}{E})(?: of (?:all )?(?:traffic|transit))?"),
    (
        "drain",
        rf"\b(?:take|pull|get|put|bring|remove|switch|have) {_OBJ} (?:is |be )?(?:taken )?(?:out of (?:the )?{_SERVICE}|out|offline|off the network|off line|down|off the air|in(?:to)? maintenance(?: mode)?)(?: for (?:some |the |planned |urgent )?(?:maintenance|work|repair|works|repairs|an? (?:upgrade|swap|software update|reboot)))?",
    ),
    ("drain", rf"\b(?:take|pull) (?:out of (?:the )?{_SERVICE}|offline|down)\b"),
    (
        "drain",
        rf"\b(?:move|shift|steer|remove|get|keep|send|push|divert|route|re-?route|take) (?:all |any |the |its |every )*(?:transit |through )?traffic (?:off|away from|from|out of|around)(?: of)? (?={_THE}{E})",
    ),
    (
        "drain",
        rf"\b(?:schedule|plan|do|perform|carry out|prepare|set up|start|book|have)? ?(?:a |the |for |some |planned )*\bmaintenance (?:window )?(?:on|of|at|for) (?={_THE}{E})",
    ),
    ("drain", rf"\bprepare (?={_OBJ} for (?:the )?(?:maintenance|work))"),
    (
        "drain",
        rf"{_OBJ} (?:should|must|has to|have to|needs to|need to|is to|shall|will) (?:be |go |come )?(?:out of (?:the )?{_SERVICE}|offline|drained|emptied|evacuated|taken (?:down|offline|out of (?:the )?{_SERVICE}))",
    ),
    (
        "relieve",
        r"\b(?:relieve|decongest|de-congest|unburden|defuse|ease|reduce|lower|lighten|fix|remove|resolve|cut|minimi[sz]e|bring down|take down|flatten|get rid of|clear|shave|alleviate|address|mitigate|improve)\b (?:the |all |any |our |of |worst |current |highest )*(?:congestion|overloads?|overloaded links?|load|loads|peak(?: utili[sz]ation| load)?s?|utili[sz]ation|max(?:imum)? (?:link )?(?:utili[sz]ation|load)|link load|link utili[sz]ation|hot ?spots?|hot links?|bottlenecks?|busiest links?|pressure|network|backbone|core|congested (?:links?|backbone|network|core)|traffic jams?)(?: (?:of|on|in) (?:the )?(?:network|backbone|busiest link|core|links))?",
    ),
    (
        "relieve",
        r"\b(?:re-?balance|balance|spread|even out|level|distribute|redistribute|optimi[sz]e|improve)\b (?:out )?(?:the |our )?(?:traffic|load|loads|network|links?|utili[sz]ation|routing|traffic distribution)(?: (?:more )?(?:evenly|better|over the network|across the (?:network|links)|across links))*",
    ),
    ("relieve", r"\b(?:relieve|decongest)\b"),
)


class Phrase(NamedTuple):
    """A phrase of a goal where it stands."""

    verb: Verb
    start: int
    end: int
    value: str
    unit: str
    negated: bool


_NEGATED = re.compile(
    r"(?:\b(?:do not|don't|dont|never|not(?! needed| used| required)|without|avoid|refrain from|instead of|rather than|no need to|must not|should not|cannot)\s+(?:\w+\s+){0,2})$"
)


_FORMS = {
    "take": "tak(?:e|es|ing)", "pull": "pull(?:s|ing)?", "get": "get(?:s|ting)?", "put": "put(?:s|ting)?",
    "bring": "bring(?:s|ing)?", "move": "mov(?:e|es|ing)", "shift": "shift(?:s|ing)?", "steer": "steer(?:s|ing)?",
    "remove": "remov(?:e|es|ing)", "send": "send(?:s|ing)?", "switch": "switch(?:es|ing)?", "turn": "turn(?:s|ing)?",
    "evacuate": "evacuat(?:e|es|ing)", "vacate": "vacat(?:e|es|ing)", "isolate": "isolat(?:e|es|ing)",
    "empty": "empty(?:ing)?", "clear": "clear(?:s|ing)?", "give": "giv(?:e|es|ing)", "return": "return(?:s|ing)?",
    "relieve": "reliev(?:e|es|ing)", "reduce": "reduc(?:e|es|ing)", "lower": "lower(?:s|ing)?", "fix": "fix(?:ing)?",
    "balance": "balanc(?:e|es|ing)", "spread": "spread(?:s|ing)?", "tune": "tun(?:e|es|ing)", "find": "find(?:s|ing)?",
    "upgrade": "upgrad(?:e|es|ing)", "expand": "expand(?:s|ing)?", "restore": "restor(?:e|es|ing)", "undo": "undo(?:ing)?",
    "re-?route": "re-?rout(?:e|es|ing)", "route": "rout(?:e|es|ing)", "divert": "divert(?:s|ing)?", "set": "set(?:s|ting)?",
    "change": "chang(?:e|es|ing)", "save": "sav(?:e|es|ing)", "cut": "cut(?:s|ting)?", "wake": "wak(?:e|es|ing)",
    "throttle": "throttl(?:e|es|ing)", "use": "us(?:e|es|ing)", "prepare": "prepar(?:e|es|ing)", "buy": "buy(?:s|ing)?",
}  # fmt: skip
_VERB = re.compile(rf"(?<=[(|:b ])({'|'.join(map(re.escape, sorted(_FORMS, key=len, reverse=True)))})(?=[|) ])")


def _inflected(pattern: str) -> str:
    """A pattern that takes its verbs in other forms, too."""
    return _VERB.sub(lambda hit: _FORMS[hit[1]], pattern)


_INFLECTED: tuple[tuple[Verb, re.Pattern[str]], ...] = tuple(
    (verb, re.compile(_inflected(pattern))) for verb, pattern in _PATTERNS
)


def find_phrases(reading: Reading) -> list[Phrase]:
    """Take every phrase of a goal out of the text, the more specific ones first; marks of elements stay."""
    found: list[Phrase] = []
    for verb, pattern in _INFLECTED:
        while (hit := pattern.search(reading.left)) is not None:
            groups = hit.groupdict()
            negated = bool(_NEGATED.search(reading.left[: hit.start()].replace(TAKEN, "")))
            value = groups.get("n") or (
                {"twice": "2", "triple": "3", "tripled": "3"}.get(groups.get("dbl") or "", "2")
                if groups.get("dbl")
                else ""
            )
            if verb == "grow" and not value and (several := re.search(r"\b(doubl|tripl)", hit.group())):
                value = "2" if several[1] == "doubl" else "3"
            unit = groups.get("unit") or ("x" if groups.get("dbl") else groups.get("pct") or "")
            found.append(Phrase(verb, hit.start(), hit.end(), value, unit, negated))
            _take_words(reading, *hit.span())
    return found


def _take_words(reading: Reading, start: int, end: int) -> None:
    piece = reading.left[start:end]
    kept = "".join(c if c == ELEMENT else TAKEN for c in piece)
    if kept == piece:  # nothing but elements: there is no phrase to take
        kept = TAKEN * len(piece)
    reading.left = reading.left[:start] + kept + reading.left[end:]
