"""Published topologies by name, from the `topohub` package: SNDlib, Topology Zoo, Gabriel graphs, backbones.

They carry lengths, and for SNDlib relative demands, but neither capacities nor weights. Where SNDlib states a demand in
one direction only (germany50, nobel-eu), it is mirrored, as topohub's own statistics do.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from twin.closest import closest
from twin.errors import UnknownNetworkError
from twin.model import Floats, Node

from .names import distinct_names
from .provision import Circuit, Topology

SHOWCASE = ("sndlib/germany50", "sndlib/nobel-germany", "topozoo/Abilene")


@cache
def topohub_names() -> tuple[str, ...]:
    """Every name that `read_topohub` accepts, such as `sndlib/germany50`, sorted."""
    folder = _folder()
    return tuple(sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.json")))


def read_topohub(name: str) -> Topology:
    """Read a topology by name. Raises `UnknownNetworkError` with the closest names."""
    if name not in topohub_names():
        raise unknown_network(name)
    found: dict[str, Any] = json.loads((_folder() / f"{name}.json").read_text(encoding="utf-8"))
    position = {str(node["id"]): i for i, node in enumerate(found["nodes"])}
    labels = distinct_names([str(node.get("name", "")) for node in found["nodes"]])
    return Topology(
        name=name,
        nodes=tuple(
            Node(label, float(node["pos"][0]), float(node["pos"][1]))
            for label, node in zip(labels, found["nodes"], strict=True)
        ),
        circuits=tuple(
            Circuit(position[str(edge["source"])], position[str(edge["target"])], float(edge["dist"]))
            for edge in found["edges"]
        ),
        demands=_demands(found["graph"].get("demands") or {}, position),
    )


def unknown_network(name: str) -> UnknownNetworkError:
    """Build the error for a name that nothing provides: it lists the closest ones."""
    names = topohub_names()
    lowered = {known.lower(): known for known in names}
    tails = {known.split("/", 1)[1].lower(): known for known in names}
    wanted = name.lower().replace("_", "-")
    near = [lowered[x] for x in closest(wanted, lowered, least=0.6)]
    near += [tails[x] for x in closest(wanted.rsplit("/", 1)[-1], tails, least=0.6)]
    suggestions = list(dict.fromkeys(near))[:3] or list(SHOWCASE)
    return UnknownNetworkError(
        f"no network {name!r}",
        fix=f"the closest names are {', '.join(suggestions)}; a file or synthetic/NODES-SEED also works",
    )


def _folder() -> Path:
    import topohub

    return Path(topohub.__file__).parent / "data"


def _demands(listed: dict[Any, dict[Any, float]], position: dict[str, int]) -> Floats | None:
    demands = np.zeros((len(position), len(position)))
    for source, row in listed.items():
        for target, volume in row.items():
            demands[position[str(source)], position[str(target)]] = float(volume)
    np.fill_diagonal(demands, 0.0)
    if not demands.any():
        return None
    directed = bool(((demands > 0) & (demands.T > 0)).any())  # one pair both ways: no demand stands for two
    return demands if directed else demands + demands.T
