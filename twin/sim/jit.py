"""The one place that touches numba: a typed decorator, cached where the disk allows it."""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, cast

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    """Compile to machine code on first call, without the GIL and with IEEE division.

    The compiled code is kept beside the source, or below NUMBA_CACHE_DIR; where neither can be written it goes to the
    user's cache, and with no place at all every process compiles anew.
    """
    return cast("_Function", _compile(function, {"nogil": True, "error_model": "numpy"}))


def part(function: _Function) -> _Function:
    """Compile a part of a kernel that allocates no array, so that it need not count references to those it is given.

    Counting costs more than the work of a small part: it is four times as slow.
    """
    return cast("_Function", _compile(function, {"nogil": True, "error_model": "numpy", "_nrt": False}))


def _compile(function: Callable[..., Any], options: dict[str, Any]) -> Any:  # noqa: ANN401 - numba is untyped
    numba: Any = import_module("numba")
    chosen = numba.config.CACHE_DIR
    # numba sees a change in the kernel's own file only, not in those it calls: one folder per state of the sources
    numba.config.CACHE_DIR = str(Path(chosen or Path(__file__).parent / "__pycache__") / _sources())
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no writable cache directory
        return numba.njit(**options)(function)
    finally:
        numba.config.CACHE_DIR = chosen


@cache
def _sources() -> str:
    digest = sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return f"kernels-{digest.hexdigest()[:12]}"
