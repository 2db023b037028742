"""Memory that is not used goes back to the system: matrices of a large network are taken for a moment only."""

import ctypes
import gc
import sys
from collections.abc import Callable

LARGE = 512 << 10
"""Bytes from which on a piece of memory is large: a matrix of 256 nodes."""
_M_MMAP_THRESHOLD = -3  # glibc's name of the limit, from malloc.h


def give_large_back() -> None:
    """Have what is large taken from the system by itself, so that all of it goes back the moment it is not used.

    glibc raises its own limit to the largest piece that was ever freed, up to 32 MB; from then on forecasts and files
    are cut out of the one heap, between small things that stay, and the holes are kept.
    """
    if (tune := _allocator("mallopt")) is not None:
        tune(_M_MMAP_THRESHOLD, LARGE)


def give_back() -> None:
    """Give free memory to the system: forecasts and files take much for a moment, and the allocator keeps it."""
    gc.collect()
    if (trim := _allocator("malloc_trim")) is not None:
        trim(0)


def _allocator(name: str) -> Callable[..., int] | None:
    """A function of the allocator, None where there is no such: glibc alone has them."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
