"""What a node may be called."""

import re

from .errors import TopologyError

_NAME = re.compile(r"[^\W_][\w.&+-]{0,63}")


def clean_name(text: str) -> str:
    """Turn any text into a node name: word characters and `.&+-`, no spaces, at most 64 characters.

    Raises `TopologyError` when nothing is left.
    """
    name = re.sub(r"-{2,}", "-", re.sub(r"[^\w.&+-]", "", re.sub(r"[\s/:>]+", "_", text.strip()))).strip("_.&+-")[:64]
    if not name:
        raise TopologyError(
            f"node name {text!r} has no usable character", fix="give the node a name of letters or digits"
        )
    return name


def is_node_name(text: str) -> bool:
    """Whether a node may be named so: word characters and `.&+-`, starting with a letter or digit, without `--`."""
    return bool(_NAME.fullmatch(text)) and "--" not in text
