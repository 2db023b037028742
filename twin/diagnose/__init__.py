"""Causes, found by simulating them."""

from .diagnose import diagnose, diagnosed_network
from .diagnosis import Diagnosis, Fact, Hypothesis

__all__ = ["Diagnosis", "Fact", "Hypothesis", "diagnose", "diagnosed_network"]
