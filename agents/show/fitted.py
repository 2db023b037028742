"""Tables that fit where they are shown: no word is split, no name is cut, columns leave in the order of their worth."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from twin.untrusted import one_line

_GAP = 3  # between two columns
_LONG = 400  # characters of a cell


class FittedColumn(NamedTuple):
    """A column: what heads it, whether it holds figures, and its cells. Words are the least that it can be wide."""

    heading: str
    figures: bool
    cells: tuple[Text, ...]

    @property
    def least(self) -> int:
        """Width below which a word would be split; figures stand on one line."""
        words = [
            word for text in (self.heading, *(() if self.figures else map(str, self.cells))) for word in text.split()
        ]
        whole = [line for cell in self.cells for line in cell.plain.split("\n")] if self.figures else []
        return max((Text(part).cell_len for part in (*words, *whole)), default=1)

    @property
    def natural(self) -> int:
        """Width at which nothing wraps."""
        lines = [line for cell in self.cells for line in cell.plain.split("\n")]
        return max(Text(line).cell_len for line in (self.heading, *lines))


class Fitted:
    """A table of words; a heading that ends in `>` is of figures.

    Where there is no room for all columns those in `spare` leave, the first named first; the others after them, from
    the right; the first column stays. What left is said below the table.
    """

    def __init__(
        self, headings: Sequence[str], rows: Sequence[Sequence[str | Text]], *, spare: Sequence[str] = ()
    ) -> None:
        cells = [[cell if isinstance(cell, Text) else Text(one_line(cell, _LONG)) for cell in row] for row in rows]
        self.columns = tuple(
            FittedColumn(heading.removesuffix(">"), heading.endswith(">"), tuple(row[i] for row in cells))
            for i, heading in enumerate(headings)
        )
        self._spare = spare

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay the table out for the width there is."""
        kept, gone = self._kept(options.max_width)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for column, width in zip(kept, _widths(kept, options.max_width), strict=True):
            side = "right" if column.figures else "left"
            table.add_column(Text(column.heading), justify=side, overflow="fold", width=width)
        for row in zip(*(column.cells for column in kept), strict=True):
            table.add_row(*row)
        yield table
        if gone:
            yield Text(f"no room for: {', '.join(gone)}", style="dim")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as its columns are, or as there is room."""
        wide = sum(column.natural for column in self.columns) + _GAP * (len(self.columns) - 1)
        return Measurement(min(max(x.least for x in self.columns), options.max_width), min(wide, options.max_width))

    def _kept(self, width: int) -> tuple[list[FittedColumn], list[str]]:
        kept, gone = list(self.columns), list[str]()
        for column in self._leaving():
            if sum(x.least for x in kept) + _GAP * (len(kept) - 1) <= width:
                break
            kept = [x for x in kept if x is not column]
            gone.append(column.heading)
        return kept, gone

    def _leaving(self) -> Iterator[FittedColumn]:
        yield from (x for heading in self._spare for x in self.columns if x.heading == heading)
        yield from (x for x in reversed(self.columns[1:]) if x.heading not in self._spare)


def _widths(columns: Sequence[FittedColumn], width: int) -> list[int]:
    """Share out what is left when every word has its place, to each column by what it lacks."""
    least, natural = [x.least for x in columns], [x.natural for x in columns]
    room = max(0, width - sum(least) - _GAP * (len(columns) - 1))
    wanted = [most - few for most, few in zip(natural, least, strict=True)]
    if sum(wanted) <= room:
        return natural
    given = [want * room // sum(wanted) for want in wanted]
    return [min(width, few + more) for few, more in zip(least, given, strict=True)]
