"""The faults that can befall a network and its measurement, each with ground truth: kind, element, severity, onset."""

from .apply import afflict, afflict_all, afflict_one_way, check
from .declaration import Counters, Declaration, Measured, unchanged
from .fault import Fault, FaultKind
from .indistinguishable import INDISTINGUISHABLE, TOLD_BY_LINES, UNSEEN, Alike, Unseen, alike
from .kinds import ALIASES, DRAWN_KINDS, REMEDIES, TELEMETRY_KINDS, TRAITS, label
from .readings import Readings
from .remedies import Action, Advice, Measure, Remedy
from .severities import MAX_WEIGHT
from .struck import interfaces, struck_links

__all__ = [
    "ALIASES",
    "DRAWN_KINDS",
    "INDISTINGUISHABLE",
    "MAX_WEIGHT",
    "REMEDIES",
    "TELEMETRY_KINDS",
    "TOLD_BY_LINES",
    "TRAITS",
    "UNSEEN",
    "Action",
    "Advice",
    "Alike",
    "Counters",
    "Declaration",
    "Fault",
    "FaultKind",
    "Measure",
    "Measured",
    "Readings",
    "Remedy",
    "Unseen",
    "afflict",
    "afflict_all",
    "afflict_one_way",
    "alike",
    "check",
    "interfaces",
    "label",
    "struck_links",
    "unchanged",
]
