"""Causes, found by simulating them."""

from .candidates import KINDS
from .diagnose import diagnose, diagnosed_network
from .diagnosis import Diagnosis, Fact, Hypothesis

__all__ = ["KINDS", "Diagnosis", "Fact", "Hypothesis", "diagnose", "diagnosed_network"]
