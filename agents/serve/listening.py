"""The address that a server of this machine answers at."""

import socket

from twin.errors import InputError


def bound(host: str, port: int, *, option: str) -> socket.socket:
    """Take a port before anything is served. Raises `InputError`, which names the `option` to choose another one by."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise InputError(
            f"port {port} cannot be had: {error.strerror}", fix=f"choose another one with {option}"
        ) from error
    return found
