"""Node names from whatever labels a file uses."""

from collections.abc import Sequence

from twin.errors import TopologyError
from twin.node_name import clean_name, is_node_name


def distinct_names(labels: Sequence[str]) -> list[str]:
    """Turn labels into distinct node names: cleaned, numbered when they repeat, `N7` for the eighth if empty.

    The number follows `_`: after a dot it would read like that of a parallel link.
    """
    taken: set[str] = set()
    copies: dict[str, int] = {}
    names: list[str] = []
    for i, label in enumerate(labels):
        stem = label if is_node_name(label) else _cleaned(label, f"N{i}")
        name = stem
        while name in taken:
            copies[stem] = copies.get(stem, 1) + 1
            name = f"{stem[:56]}_{copies[stem]}"
        taken.add(name)
        names.append(name)
    return names


def _cleaned(label: str, fallback: str) -> str:
    try:
        name = clean_name(label)
    except TopologyError:
        return fallback
    return name if is_node_name(name) else fallback
