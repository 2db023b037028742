"""The faults that can befall a network and its measurement, each with ground truth: kind, element, severity, onset."""

from .apply import check, with_fault, with_faults, with_one_way_fault
from .declaration import Counters, Declaration, Measured, unchanged
from .fault import Fault, FaultKind
from .indistinguishable import INDISTINGUISHABLE, Indistinguishable, indistinguishable
from .kinds import ALIASES, DRAWN_KINDS, EXIT_KINDS, REMEDIES, TELEMETRY_KINDS, TRAITS, label, named_in_words
from .readings import Readings
from .remedies import Action, Advice, Measure, Remedy
from .severities import ENDED, HANGS, MAX_WEIGHT, USUAL_PREFERENCE
from .struck import interfaces, struck_links

__all__ = [
    "ALIASES",
    "DRAWN_KINDS",
    "ENDED",
    "EXIT_KINDS",
    "HANGS",
    "INDISTINGUISHABLE",
    "MAX_WEIGHT",
    "REMEDIES",
    "TELEMETRY_KINDS",
    "TRAITS",
    "USUAL_PREFERENCE",
    "Action",
    "Advice",
    "Counters",
    "Declaration",
    "Fault",
    "FaultKind",
    "Indistinguishable",
    "Measure",
    "Measured",
    "Readings",
    "Remedy",
    "check",
    "indistinguishable",
    "interfaces",
    "label",
    "named_in_words",
    "struck_links",
    "unchanged",
    "with_fault",
    "with_faults",
    "with_one_way_fault",
]
