"""Scores: pure functions from an answer and the truth of its case to figures. No model judges a model."""
