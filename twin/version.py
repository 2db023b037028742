"""Which twinops this is."""

from importlib import metadata


def version() -> str:
    """Return the version of twinops that is installed, `source` when it runs from a clone."""
    try:
        return metadata.version("twinops")
    except metadata.PackageNotFoundError:
        return "source"
