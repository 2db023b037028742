"""Incidents in which words decide: what was written about them, what the right ending is, and who can read it."""
