"""Seeded plans for the gate to judge, good ones and bad ones of many classes, labelled by an independent oracle."""
