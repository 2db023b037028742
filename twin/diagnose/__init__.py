"""Causes, found by simulating them."""

from twin.faults.recommendation import Recommendation, Urgency

from .diagnose import as_believed, believed_without, diagnose, diagnosed_network, explains
from .diagnosis import Diagnosis, Fact, Hypothesis, IncidentCause
from .likelihood import misread
from .next_measurement import Measurement, next_measurement, with_configurations
from .recommend import recommend
from .trials import PlanTrial, left_by, set_anew
from .turns import turns

__all__ = [
    "Diagnosis",
    "Fact",
    "Hypothesis",
    "IncidentCause",
    "Measurement",
    "PlanTrial",
    "Recommendation",
    "Urgency",
    "as_believed",
    "believed_without",
    "diagnose",
    "diagnosed_network",
    "explains",
    "left_by",
    "misread",
    "next_measurement",
    "recommend",
    "set_anew",
    "turns",
    "with_configurations",
]
