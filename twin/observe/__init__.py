"""What telemetry says: the measured state, how trustworthy it is, what is unusual about it, and how much it hurts."""

from .harm import measured_harm
from .observation import Observation, Quality
from .observe import observe
from .symptoms import Symptom, SymptomKind, find_symptoms

__all__ = ["Observation", "Quality", "Symptom", "SymptomKind", "find_symptoms", "measured_harm", "observe"]
