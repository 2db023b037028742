"""A day that a network declares: down from its peak at 20:00 to 35 % of it at 05:00."""

from math import cos, pi

SINCE_PEAK = [(hour - 20) % 24 for hour in range(24)]
DAY = tuple(0.35 + 0.65 * (1 + cos(pi * (x / 9 if x < 9 else (24 - x) / 15))) / 2 for x in SINCE_PEAK)
