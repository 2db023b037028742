"""What draws itself in a notebook. The twin knows no pages: who does hands it the function that draws."""

from collections.abc import Callable

_DRAWERS: list[Callable[[object], str]] = []


class Drawn:
    """Shows itself as HTML where a notebook asks for it, once somebody has said how; as text before."""

    def _repr_html_(self) -> str | None:
        return _DRAWERS[-1](self) if _DRAWERS else None


def draw_with(drawer: Callable[[object], str]) -> None:
    """Have everything that is `Drawn` drawn by this function from now on."""
    _DRAWERS[:] = [drawer]
