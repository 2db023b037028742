"""The faults that can befall a network and its measurement, each with ground truth: kind, element, severity, onset."""

from .apply import afflict, afflict_all, check, interfaces, struck_links
from .fault import Fault, FaultKind
from .indistinguishable import INDISTINGUISHABLE, TOLD_BY_LINES, UNSEEN, Alike, Unseen, alike
from .kinds import ALIASES, DRAWN_KINDS, MAX_WEIGHT, TELEMETRY_KINDS, TRAITS, Trait, label
from .remedies import REMEDIES, Action, Advice, Measure, Remedy

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
    "Fault",
    "FaultKind",
    "Measure",
    "Remedy",
    "Trait",
    "Unseen",
    "afflict",
    "afflict_all",
    "alike",
    "check",
    "interfaces",
    "label",
    "struck_links",
]
