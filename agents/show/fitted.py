"""Tables that fit where they are shown: no word is split, no name is cut, columns leave in the order of their worth."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from twin.untrusted import one_line

from .lines import Indented, WrappedText, widest_part

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
        if self.figures:
            return max(widest_part(self.heading), self._widest_line)
        return max(widest_part(text, parted=self.parted) for text in (self.heading, *map(str, self.cells), "-"))

    @property
    def natural(self) -> int:
        """Width at which nothing wraps."""
        return max(cell_len(self.heading), self._widest_line)

    @property
    def blank(self) -> bool:
        """Whether it says nothing of any row."""
        return bool(self.cells) and not any(cell.plain.strip() for cell in self.cells)

    @property
    def _widest_line(self) -> int:
        return max((cell_len(line) for cell in self.cells for line in cell.plain.split("\n")), default=1)


class Fitted:
    """A table of words; a heading that ends in `>` is of figures.

    Where there is no room for all columns those in `spare` leave, the first named first; the others after them, from
    the right; the first column stays, and so does a narrow one where a wider one of more worth has no room. Which of
    `spare` left is said below the table; the cells of all others stand below their row. A column that says nothing of
    any row is not shown.
    """

    def __init__(
        self, headings: Sequence[str], rows: Sequence[Sequence[str | Text]], *, spare: Sequence[str] = ()
    ) -> None:
        cells = [[cell if isinstance(cell, Text) else Text(one_line(cell, _LONG)) for cell in row] for row in rows]
        columns = [
            FittedColumn(heading.removesuffix(">"), heading.endswith(">"), tuple(row[i] for row in cells))
            for i, heading in enumerate(headings)
        ]
        self.columns = tuple(x for i, x in enumerate(columns) if i == 0 or not x.blank)
        self._spare = spare

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay the table out for the width there is."""
        kept, gone = self._kept(options.max_width)
        widths = _widths(kept, options.max_width)
        spared = [x.heading for x in gone if x.heading in self._spare]
        below = [x for x in self.columns if x in gone and x.heading not in spared]
        many = len(self.columns[0].cells)
        blocks = [range(i, i + 1) for i in range(many)] if below and many else [range(many)]
        for block in blocks:
            yield _block(kept, widths, block)
            for column, row in ((x, i) for x in below for i in block):
                if column.cells[row].plain.strip():
                    yield Indented(WrappedText(_named(column.heading, column.cells[row])), 2)
        if spared:
            yield WrappedText(Text(f"no room for: {', '.join(spared)}", style="dim"))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as its columns are, or as there is room; no narrower than the part of a name."""
        wide = sum(column.natural for column in self.columns) + _GAP * (len(self.columns) - 1)
        least = max(x._replace(parted=not x.figures).least for x in self.columns)
        return Measurement(min(least, options.max_width), min(wide, options.max_width))

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


def _named(heading: str, cell: Text) -> Text:
    return Text.assemble((f"{heading}: ", "dim"), cell) if heading else cell


def _block(columns: Sequence[FittedColumn], widths: Sequence[int], rows: range) -> Table:
    """The rows of a table, under the headings where they are the first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    table.show_header = rows.start == 0
    for column, width in zip(columns, widths, strict=True):
        side = "right" if column.figures else "left"
        table.add_column(Text(column.heading), justify=side, overflow="fold", width=width)
    for i in rows:
        table.add_row(*(x.cells[i] if x.figures else WrappedText(x.cells[i]) for x in columns))
    return table


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
