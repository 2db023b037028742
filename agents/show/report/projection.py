"""Where the nodes of a network stand on a sheet of paper."""

import math
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Network

_WIDEST, _TALLEST, _MARGIN = 760.0, 720.0, 46.0  # pixels
_RING = 16.0  # pixels between nodes that share one place


class MapSheet(NamedTuple):
    """Positions in pixels, y downwards, and the size of the sheet that holds them."""

    x: Floats  # [n]
    y: Floats  # [n]
    width: float
    height: float


def project(network: Network) -> MapSheet:
    """Place every node by Mercator projection: conformal, so that shapes keep their proportions.

    Networks without usable coordinates are drawn on a circle; nodes at one place are spread on a small ring.
    """
    longitude = np.array([node.longitude for node in network.nodes], dtype=np.float64)
    latitude = np.array([node.latitude for node in network.nodes], dtype=np.float64)
    known = np.isfinite(longitude) & np.isfinite(latitude)
    if known.sum() < 2 or not (np.ptp(longitude[known]) > 1e-6 or np.ptp(latitude[known]) > 1e-6):
        return _circle(len(network.nodes))
    east = _unroll(longitude, known)
    north = np.degrees(np.arctanh(np.sin(np.radians(np.clip(latitude, -85, 85)))))
    east[~known], north[~known] = east[known].mean(), north[known].mean()
    across, up = float(np.ptp(east)), float(np.ptp(north))
    scale = min((_WIDEST - 2 * _MARGIN) / max(across, 1e-9), (_TALLEST - 2 * _MARGIN) / max(up, 1e-9))
    width = max(across * scale + 3 * _MARGIN, 0.8 * _TALLEST)
    height = max(up * scale + 2 * _MARGIN, 0.45 * width)
    x = width / 2 + (east - (east.max() + east.min()) / 2) * scale
    y = height / 2 - (north - (north.max() + north.min()) / 2) * scale
    return MapSheet(*_spread(x, y), width, height)


def _unroll(longitude: Floats, known: np.ndarray) -> Floats:
    """Cut the globe in the widest gap between nodes, so that the Pacific does not tear a network apart."""
    unrolled = longitude.copy()
    ordered = np.sort(longitude[known] % 360)
    gaps = np.diff(ordered, append=ordered[0] + 360)
    west = ordered[(int(gaps.argmax()) + 1) % len(ordered)]
    unrolled[known] = (longitude[known] - west) % 360
    return unrolled


def _circle(count: int) -> MapSheet:
    width, height = _WIDEST, 0.75 * _WIDEST
    angle = np.arange(count) * 2 * math.pi / max(count, 1) - math.pi / 2
    radius = height / 2 - _MARGIN if count > 1 else 0.0
    return MapSheet(width / 2 + radius * np.cos(angle), height / 2 + radius * np.sin(angle), width, height)


def _spread(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    places: dict[tuple[int, int], list[int]] = {}
    for i, (left, top) in enumerate(zip(x, y, strict=True)):
        places.setdefault((round(left), round(top)), []).append(i)
    for group in places.values():
        if len(group) > 1:
            angle = np.arange(len(group)) * 2 * math.pi / len(group)
            radius = max(_RING / 2, _RING * len(group) / (2 * math.pi))
            x[group] += radius * np.cos(angle)
            y[group] += radius * np.sin(angle)
    return x, y
