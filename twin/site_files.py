"""Which files a pattern of a site names."""

from pathlib import Path

from .errors import InputError

_MOST_FILES = 1_000


def matching(folder: Path, pattern: str) -> list[Path]:
    """The files below a folder that a pattern names, in the order of their names; none where there is none.

    Raises `InputError` on a pattern that leads out of it, is none, or names too many.
    """
    plain = folder / pattern
    if not any(c in pattern for c in "*?["):
        return [plain] if plain.exists() else []
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise InputError(f"{pattern} leads out of {folder}", fix="give a pattern below the site's folder")
    try:
        found = sorted(path for path in folder.glob(pattern) if path.is_file())
    except (ValueError, NotImplementedError, OSError) as error:
        raise InputError(f"{pattern} is no pattern: {error}", fix="give one such as counters/*.csv") from error
    if len(found) > _MOST_FILES:
        raise InputError(f"{pattern} matches {len(found):,} files", fix=f"give at most {_MOST_FILES:,} at once")
    return found
