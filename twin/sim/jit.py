"""The one place that touches numba: a typed decorator, cached where the disk allows it."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar, cast

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    """Compile to machine code on first call, without the GIL and with IEEE division.

    The compiled code is kept beside the source, or where NUMBA_CACHE_DIR says; with no writable place for it, every
    process compiles anew. A kernel may only call kernels of its own file: the cache looks at no other file's changes.
    """
    numba: Any = import_module("numba")
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return cast("_Function", numba.njit(cache=True, **options)(function))
    except RuntimeError:  # no writable cache directory
        return cast("_Function", numba.njit(**options)(function))
