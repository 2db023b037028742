"""Whether everything that twinops needs is there; it changes nothing, asks nothing and prints no secret."""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agents.models.check import needs
from agents.wording import counted, share
from twin import sim
from twin.errors import TwinError
from twin.model import Frozen

if TYPE_CHECKING:
    from twin.site_sources import TriedSource

State = Literal["ok", "missing", "broken"]

PACKAGES = (
    "autogen-agentchat",
    "anthropic",
    "cryptography",
    "duckdb",
    "highspy",
    "jinja2",
    "numba",
    "numpy",
    "opentelemetry-sdk",
    "pydantic",
    "rich",
    "scipy",
    "topohub",
    "typer",
)
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Finding(Frozen):
    """One thing looked at. *missing* is optional; *broken* makes runs fail, and `fix` says what to do."""

    name: str
    state: State
    detail: str
    fix: str = ""


def examine(runs: Path, environment: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    """Look at everything once. `environment` stands in for the process's own."""
    env = os.environ if environment is None else environment
    return (
        _python(),
        *(_package(name) for name in PACKAGES),
        _looked("networks", _networks),
        _looked("twin store", _store),
        _kernels(),
        _writable(runs),
        *(Finding(**need._asdict()) for need in needs(env)),
        _endpoint(env),
    )


def examine_site(site: Path, clock: Callable[[], datetime]) -> tuple[Finding, ...]:
    """Try each source of one's own network, by its site file or by the name of its adapter.

    Raises as `read_site` does.
    """
    from twin.live.adapters import is_adapter
    from twin.site import read_site
    from twin.site_sources import try_live, try_site

    tried = try_live(str(site), clock) if is_adapter(str(site)) else try_site(read_site(site), clock)
    return tuple(Finding(name=x.name, state=_STATES[x.state], detail=_told(x), fix=x.fix) for x in tried)


def _told(source: "TriedSource") -> str:
    age = "" if source.age_s is None else f"; newest {source.age_s:,.0f} s old"
    complete = "" if source.complete is None else f"; {share(source.complete)} complete"
    return f"{source.got}{age}{complete}"


_STATES: Mapping[str, State] = {"ok": "ok", "not named": "missing", "late": "broken", "broken": "broken"}


def _python() -> Finding:
    return Finding(name="python", state="ok", detail=".".join(map(str, sys.version_info[:3])))


def _package(name: str) -> Finding:
    try:
        return Finding(name=name, state="ok", detail=metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name=name, state="broken", detail="not installed", fix="install from the lock file: make demo")


def _looked(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name=name, state="ok", detail=look())
    except TwinError as error:
        return Finding(name=name, state="broken", detail=str(error), fix=error.fix)
    except (ImportError, OSError) as error:
        return Finding(name=name, state="broken", detail=str(error), fix="install from the lock file: make demo")


def _networks() -> str:
    from twin.formats.load import load_network

    network = load_network("sndlib/abilene")
    return f"{network.name} loads: {counted(len(network.nodes), 'nodes')}, {counted(len(network.circuits), 'circuits')}"


def _store() -> str:
    from twin.store import TwinStore

    with tempfile.TemporaryDirectory(prefix="twinops-") as folder, TwinStore.open(Path(folder) / "twin.duckdb"):
        return "a twin file can be made"


def _kernels() -> Finding:
    """Numba keeps compiled kernels beside the source, else in the user's cache: one must be writable to start fast."""
    beside = Path(sim.__path__[0])
    folder = Path(os.environ.get("NUMBA_CACHE_DIR", beside))
    if os.access(folder, os.W_OK):
        compiled = len(list((folder / "__pycache__" if folder == beside else folder).rglob("*.nbi")))
        return Finding(name="numba cache", state="ok", detail=f"{compiled} kernels compiled in {folder}")
    return Finding(
        name="numba cache",
        state="missing",
        detail=f"{folder} cannot be written: kernels are compiled again in every process",
        fix="set NUMBA_CACHE_DIR to a folder that can be written",
    )


def _writable(runs: Path) -> Finding:
    nearest = next(folder for folder in (runs, *runs.absolute().parents) if folder.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding(name="run folder", state="ok", detail=f"{runs} can be written")
    return Finding(
        name="run folder", state="broken", detail=f"{runs} cannot be written", fix="choose another: --runs DIR"
    )


def _endpoint(env: Mapping[str, str]) -> Finding:
    name = next((name for name in ENDPOINTS if env.get(name)), None)
    if name is None:
        return Finding(name="tracing", state="missing", detail="to trace.jsonl only", fix=f"export {ENDPOINTS[1]}")
    return Finding(name="tracing", state="ok", detail=f"to trace.jsonl and, by {name}, over OTLP/HTTP")
