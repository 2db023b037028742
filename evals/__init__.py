"""Evaluation: cases with ground truth, suites of them, and scores that no model hands out."""
