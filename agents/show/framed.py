"""What a command ends with: labels and what they say in a frame, or without one where that would split a name."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .lines import Indented, WrappedText, least_width

_PADDING = (1, 2)
_FRAME = 2 * (1 + _PADDING[1])  # cells that the border and its padding take


class Framed(NamedTuple):
    """Something in a frame with a title; `otherwise`, or the same, below its title where a frame leaves no room."""

    title: str
    body: RenderableType
    otherwise: RenderableType | None = None
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the frame if every name is whole inside it."""
        title = Text(f" {self.title} ", style=f"bold {self.style}".strip())
        if least_width(console, self.body) + _FRAME <= options.max_width:
            style = self.style or "none"
            yield Panel(self.body, title=title, title_align="left", border_style=style, expand=False, padding=_PADDING)
        else:
            yield Text.assemble("──", title, "──", style=self.style)
            yield self.body if self.otherwise is None else self.otherwise


def labelled(title: str, rows: Sequence[tuple[Text, Text]], *, style: str) -> Framed:
    """Rows of a label and what it says, side by side; where that is too narrow for names, one above the other."""
    grid = Table.grid(padding=(0, 2))
    stacked: list[RenderableType] = []
    for label, said in rows:
        grid.add_row(label, WrappedText(said))
        stacked += [label] if label.plain else []
        stacked.append(Indented(WrappedText(said), 2))
    return Framed(title, grid, Group(*stacked), style)
