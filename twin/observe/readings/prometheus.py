"""The Prometheus API as a source of measurements: raw counters and probes of the last minutes, over HTTP."""

import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from http.client import HTTPException

from pydantic import Field, ValidationError

from twin.errors import InputError
from twin.fetch import fetch
from twin.files import parse_json
from twin.formats.measurements.part import Options, Part
from twin.formats.measurements.prometheus import EXPORTERS, read_answer, sheet_of
from twin.formats.measurements.prometheus_probes import METRICS, probes_part
from twin.formats.measurements.read import read_sheet
from twin.formats.source import Source
from twin.model import Frozen, Network

MOST_BYTES = 256 * 1024 * 1024
TOKEN = "TWINOPS_PROMETHEUS_TOKEN"  # noqa: S105 - the name of the variable that holds it
"""Environment variable with the bearer token of the server, if it wants one."""


class Prometheus(Frozen):
    """Where a Prometheus API is, and what to ask of it."""

    url: str = Field(pattern=r"^https?://[^\s]+$", description="Such as http://prometheus:9090; a path stays in front.")
    matchers: str = Field(default="", description='More label matchers of every series, such as `job="snmp"`.')
    metrics: Mapping[str, str] = Field(
        default_factory=dict[str, str], description="Columns by metric, in place of the well-known exporters' names."
    )
    timeout_s: float = Field(default=10.0, gt=0, le=120)


def prometheus_at(url: str) -> Prometheus:
    """The API at a URL. Raises `InputError` on what is no URL of one."""
    try:
        return Prometheus(url=url)
    except ValidationError as error:
        raise InputError(f"{url!r} is no URL of a server", fix="give one such as http://prometheus:9090") from error


def read_prometheus_parts(
    source: Prometheus, network: Network, *, now: datetime, minutes: float, options: Options
) -> list[Part]:
    """Read the counters and the probes of the `minutes` before `now`, each a part of the measurements of `network`.

    Samples are the server's own, at their own times; differences over gaps and restarts are missing.
    Raises `InputError` when the server does not answer, says no, or has neither.
    """
    known = dict(source.metrics) or {metric: column for one in EXPORTERS for metric, column in one.quantities.items()}
    names = "|".join((*known, *METRICS))
    more = f",{source.matchers}" if source.matchers else ""
    query = f'{{__name__=~"{names}"{more}}}[{max(1, round(minutes * 60))}s]'
    answer = _asked(source, {"query": query, "time": f"{now.timestamp():.3f}"})
    try:
        samples = read_answer(parse_json(answer))
    except ValueError as error:
        raise InputError(f"{source.url} gives no samples: {error}", fix="check the URL and the matchers") from error
    probes = probes_part(Source(source.url), samples, network, options)
    if probes is not None and not any(x.metric in known for x in samples):
        return [probes]
    with sheet_of(Source(source.url), samples, known) as sheet:
        counters = read_sheet(sheet, network, options)
    return [counters, *([probes] if probes else [])]


def _asked(source: Prometheus, query: Mapping[str, str]) -> bytes:
    request = urllib.request.Request(  # noqa: S310 - the scheme is http or https by the model
        f"{source.url.rstrip('/')}/api/v1/query",
        data=urllib.parse.urlencode(query).encode(),
        headers={"Accept": "application/json", **_authorisation()},
    )
    try:
        content = fetch(request, timeout_s=source.timeout_s, most=MOST_BYTES).content
    except urllib.error.HTTPError as error:
        raise InputError(
            f"{source.url} answers {error.code}: {_told(error)}", fix="check the query's matchers"
        ) from error
    except (OSError, ValueError, HTTPException) as error:
        raise InputError(f"{source.url} does not answer: {error}", fix="check the URL, and that it is up") from error
    if len(content) > MOST_BYTES:
        raise InputError(f"{source.url} answers with more than {MOST_BYTES >> 20} MiB", fix="ask for fewer minutes")
    return content


def _authorisation() -> Mapping[str, str]:
    token = os.environ.get(TOKEN, "")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _told(error: urllib.error.HTTPError) -> str:
    """What the server says is wrong, or its reason."""
    try:
        content = parse_json(error.read(65_536))
    except (OSError, ValueError):
        content = None
    return str(content.get("error", error.reason) if isinstance(content, dict) else error.reason)[:160]
