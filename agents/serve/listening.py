"""The address that a server of this machine answers at."""

import socket

from twin.errors import InputError


class TakenPortError(InputError):
    """A port that somebody else has, or that this account may not have."""


def bound(host: str, port: int, *, option: str) -> socket.socket:
    """Take a port before anything is served. Raises `TakenPortError`, which names the `option` for another one."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise TakenPortError(
            f"port {port} cannot be had: {error.strerror}", fix=f"choose another one with {option}"
        ) from error
    return found
