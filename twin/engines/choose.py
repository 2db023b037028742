"""Engines by the names that people write."""

from twin.errors import InputError

from .local import Local
from .seam import Engine, Serial


def engine_named(text: str | None, workers: int | None = None) -> Engine:
    """Return the engine of a name: serial, processes, ray, ray:ADDRESS; without one, this machine as far as it pays.

    Raises `InputError` on any other, and where Ray is not installed.
    """
    name, _, address = (text or "").strip().partition(":")
    if text is None:
        return Local(workers)
    if name == "ray":
        from .cluster import Cluster

        return Cluster(address or None, workers)
    if name == "processes" and not address:
        from .local import available
        from .processes import Processes

        return Processes(workers or available())
    if name == "serial" and not address:
        return Serial()
    raise InputError(f"no engine {text!r}", fix="write serial, processes, ray or ray:ADDRESS")
