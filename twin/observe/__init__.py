"""What telemetry says: the measured state, how trustworthy it is, what is unusual about it, and how much it hurts."""

from .alarms.harm import measured_harm
from .alarms.symptoms import STATES, Symptom, SymptomKind, find_symptoms
from .observe import observe
from .readings.observation import Observation, Quality

__all__ = ["STATES", "Observation", "Quality", "Symptom", "SymptomKind", "find_symptoms", "measured_harm", "observe"]
