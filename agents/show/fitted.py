"""Tables that fit where they are shown: no word is split, no name is cut, columns leave in the order of their worth."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from twin.untrusted import one_line

from .lines import WrappedText, parts_of

_GAP = 3  # between two columns
_LONG = 400  # characters of a cell


class FittedColumn(NamedTuple):
    """A column: what heads it, whether it holds figures, and its cells. Words are the least that it can be wide.

    One that is `parted` sets names of links over two lines, an end on each.
    """

    heading: str
    figures: bool
    cells: tuple[Text, ...]
    parted: bool = False

    @property
    def least(self) -> int:
        """Width below which a word would be split; figures stand on one line."""
        words = [
            part
            for text in (self.heading, *(() if self.figures else map(str, self.cells)))
            for word in text.split()
            for part in (parts_of(word) if self.parted else (word,))
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
    the right; the first column stays, and so does a narrow one where a wider one of more worth has no room. Which of
    `spare` left is said below the table; of all others their cells stand there, row by row.
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
        for row in zip(*(x.cells if x.figures else map(WrappedText, x.cells) for x in kept), strict=True):
            table.add_row(*row)
        yield table
        spared = [x.heading for x in gone if x.heading in self._spare]
        if spared:
            yield Text(f"no room for: {', '.join(spared)}", style="dim")
        for column in (x for x in gone if x.heading not in spared):
            yield Text(column.heading, style="bold")
            below = Table.grid(padding=(0, 1, 0, 0))
            for first, cell in zip(self.columns[0].cells, column.cells, strict=True):
                if cell.plain.strip():
                    below.add_row("-", WrappedText(Text.assemble(first, ": ", cell)))
            yield below

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as its columns are, or as there is room."""
        wide = sum(column.natural for column in self.columns) + _GAP * (len(self.columns) - 1)
        return Measurement(min(max(x.least for x in self.columns), options.max_width), min(wide, options.max_width))

    def _kept(self, width: int) -> tuple[list[FittedColumn], list[FittedColumn]]:
        """The columns there is room for, and those that leave. Names are parted before they stand alone."""
        kept = self._worthiest(self.columns, width)
        if len(kept) < min(2, len(self.columns)) or kept[0].least > width:
            kept = self._worthiest([x._replace(parted=not x.figures) for x in self.columns], width)
        headings = {x.heading for x in kept}
        return kept, [x for x in self._leaving(self.columns) if x.heading not in headings]

    def _worthiest(self, columns: Sequence[FittedColumn], width: int) -> list[FittedColumn]:
        first, wide = columns[0], columns[0].least
        staying = [first]
        for column in reversed(list(self._leaving(columns))):
            if wide + _GAP + column.least <= width:
                staying.append(column)
                wide += _GAP + column.least
        return [x for x in columns if any(x is one for one in staying)]

    def _leaving(self, columns: Sequence[FittedColumn]) -> Iterator[FittedColumn]:
        yield from (x for heading in self._spare for x in columns[1:] if x.heading == heading)
        yield from (x for x in reversed(columns[1:]) if x.heading not in self._spare)


def _widths(columns: Sequence[FittedColumn], width: int) -> list[int]:
    """Share out what is left when every word has its place: whoever lacks little gets it all, the others like much."""
    least = [x.least for x in columns]
    lacks = [max(0, x.natural - few) for x, few in zip(columns, least, strict=True)]
    room, given = max(0, width - sum(least) - _GAP * (len(columns) - 1)), [0] * len(columns)
    order = sorted(range(len(columns)), key=lambda i: lacks[i])
    for number, i in enumerate(order):
        given[i] = min(lacks[i], room // (len(order) - number))
        room -= given[i]
    return [min(width, few + more) for few, more in zip(least, given, strict=True)]
