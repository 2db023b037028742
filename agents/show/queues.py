"""What the queues of the links add to delays, as a table: mean and 99th percentile, and where the model ends."""

from collections.abc import Iterator

import numpy as np
from pydantic import JsonValue
from rich.console import RenderableType

from agents.wording import milliseconds
from twin.model import Network
from twin.sim.delay import VALID_UTILISATION, Delays, delays_with_queues
from twin.sim.simulate import simulate

from .tables import text_table

_COLUMNS = ("link", "utilisation>", "mean in queue and line>", "99 of 100 packets below>")


def queues(network: Network, burstiness: float, top: int) -> tuple[dict[str, JsonValue], Iterator[RenderableType]]:
    """Return the delays of the links that delay most, everything up, as a document and as text.

    Raises `InputError` on a burstiness that was never measured.
    """
    found = delays_with_queues(network, burstiness=burstiness)
    longest = sorted(range(len(network.links)), key=lambda x: -found.link_ms[x])[:top]
    full = simulate(network).utilisation
    rows: list[JsonValue] = [
        {
            "link": network.links[x].name,
            "utilisation": float(full[x]),
            "mean_ms": float(found.link_ms[x]),
            "p99_ms": float(found.link_p99_ms[x]),
        }
        for x in longest
    ]
    document: dict[str, JsonValue] = {
        "burstiness": burstiness,
        "valid": found.valid(),
        "beyond_model": list(found.beyond_model),
        "links": rows,
    }
    table = text_table(
        _COLUMNS,
        [
            [
                network.links[x].name,
                f"{100 * full[x]:.1f} %",
                milliseconds(found.link_ms[x]),
                milliseconds(found.link_p99_ms[x]),
            ]
            for x in longest
        ],
    )
    return {"queues": document}, iter([table, _validity(found)])


def _validity(found: Delays) -> str:
    reached = found.total_ms[np.isfinite(found.total_ms)]
    beyond = len(found.beyond_model)
    limit = f"{100 * VALID_UTILISATION:.0f} %"
    are = f"1 link above {limit} is" if beyond == 1 else f"{beyond} links above {limit} are"
    ends = f"; {are} beyond it, where figures are too low" if beyond else ""
    return (
        f"everything up: M/M/1 with {found.burstiness:g} times its waiting, the longest mean delay of a demand "
        f"{milliseconds(reached.max() if len(reached) else 0.0)}{ends}"
    )
