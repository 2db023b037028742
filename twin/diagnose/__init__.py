"""Causes, found by simulating them."""

from .candidates import KINDS
from .diagnose import diagnose, diagnosed_network
from .diagnosis import Diagnosis, Fact, Hypothesis, IncidentCause
from .next_measurement import Measurement, follow_up, next_measurement

__all__ = [
    "KINDS",
    "Diagnosis",
    "Fact",
    "Hypothesis",
    "IncidentCause",
    "Measurement",
    "diagnose",
    "diagnosed_network",
    "follow_up",
    "next_measurement",
]
