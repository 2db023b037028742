"""The suites. To add one: a module here with a `SUITE`, and its name below; or a TOML file here, and nothing else."""

import os
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path

from evals.cases.case import Case, Split, read_case_file
from evals.cases.suite import Metric, Suite
from evals.models import offer_models
from twin.closest import closest
from twin.errors import FormatError, InputError
from twin.files import exists

offer_models()

NAMES = (
    "detect",
    "diagnose",
    "localize",
    "forecast",
    "te",
    "verify",
    "order",
    "inject",
    "corrupt",
    "intent",
    "whatif",
    "incident",
    "endings",
    "judgement",
    "resume",
    "cost",
    "smoke",
    "healthy",
)
"""Suites that are made of a module each, `evals/suites/NAME.py`; `smoke` and `healthy` are in that of `incident`."""

REAL = ("lab", "loop")
"""Suites that need real routers: asked for by name, and no part of what every build is held to."""

EXPECTED = Metric("expectations met", "share", "expected", where="judged")
"""What a suite reports besides when its cases expect something."""

_MODULES = {"smoke": "incident", "healthy": "incident"}
_HERE = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Every suite by name: those with a module, then those written in TOML."""
    return (*NAMES, *sorted(path.stem for path in _HERE.glob("*.toml")))


@cache
def suite_of(name: str) -> Suite:
    """Return a suite by its name, or by the path of a TOML file.

    Raises `InputError` for an unknown one, `FormatError` for a file that is none.
    """
    if name in (*NAMES, *REAL):
        module = import_module(f"evals.suites.{_MODULES.get(name, name)}")
        return getattr(module, "SUITE" if name not in _MODULES else name.upper())
    written = Path(name) if name.endswith(".toml") else _HERE / f"{name}.toml"
    if exists(written) and written.is_file():
        return _written(written)
    near = closest(name, names(), most=1)
    fix = f"did you mean {near[0]}?" if near else f"suites: {', '.join((*names(), *REAL))}"
    raise InputError(f"no suite {name!r}", fix=fix)


def data_folder(name: str) -> Path:
    """Return a folder of the published data, which are not part of the project.

    It lies in the folder that TWINOPS_DATA names, by default beside the checkout. Raises `InputError` without it.
    """
    folder = Path(os.environ.get("TWINOPS_DATA") or _HERE.parents[2] / "shared" / "data") / name
    if not folder.is_dir():
        raise InputError(f"the published data are not in {folder}", fix=f"set TWINOPS_DATA to a folder with {name}/")
    return folder


def has_data(name: str) -> bool:
    """Whether a folder of the published data is there."""
    try:
        data_folder(name)
    except InputError:
        return False
    return True


def _written(path: Path) -> Suite:
    file, cases = read_case_file(path)
    if file.like not in NAMES:
        raise InputError(f"{path}: like: no suite {file.like!r}", fix=f"suites: {', '.join(NAMES)}")

    def draw(split: Split) -> tuple[Case, ...]:
        del split
        return cases

    base = suite_of(file.like)
    for number, case in enumerate(cases, start=1):
        _require_checks(path, number, case, base)
    expecting = any(case.expect and case.expect.given for case in cases)
    metrics = (*base.metrics, EXPECTED) if expecting else base.metrics
    most = min(len(cases), 12)
    return replace(
        base, name=path.stem, purpose=file.purpose, draw=draw, cases=len(cases), slice=most, metrics=metrics
    )  # fmt: skip


def _require_checks(path: Path, number: int, case: Case, base: Suite) -> None:
    """Raise `FormatError` for what is expected and would never be checked."""
    for name in case.expect.given if case.expect else ():
        where, check = f"case {number}: expect.{name}", base.checks.get(name)
        if check is None:
            can = ", ".join(base.checks) or "nothing"
            raise FormatError(str(path), where, f"what {base.name} can check, which is {can}")
        if check.needs is not None and getattr(case, check.needs) is None:
            raise FormatError(str(path), where, f"{check.needs} in the same case, without which nothing is checked")
