"""Comparing and showing evaluations: terminal, scoreboard, bundles, reports."""
