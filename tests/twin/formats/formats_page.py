"""The tables of docs/formats.md, from the vocabulary: `python -m tests.twin.formats.formats_page` writes them anew."""

from pathlib import Path

from twin.formats.vocabulary import LINK_ENDS, LINK_QUANTITIES, NODE_QUANTITIES

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"
PARTS = {"links": LINK_QUANTITIES, "nodes": NODE_QUANTITIES}


def table(quantities):
    """One row a quantity: what it is, its names, its units."""
    rows = ["| what | names | units |", "|---|---|---|"]
    for found in quantities:
        names = ", ".join(f"`{name}`" for name in found.names)
        units = ", ".join(f"`{unit}`" for unit in found.units)
        own = f"; `{found.own_unit}` where nothing says it" if found.own_unit else ""
        rows.append(f"| {found.what} | {names} | {units}{own} |")
    return "\n".join(rows)


def ends():
    """The pairs of column names that hold the ends of a link."""
    return ", ".join(f"`{a}`/`{b}`" for a, b in LINK_ENDS)


def marked():
    """Every part of the page that is generated, by its mark."""
    return {name: table(of) for name, of in PARTS.items()} | {"ends": ends()}


def written(text):
    """The page with every generated part as it should be."""
    for name, part in marked().items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(start)
        text = f"{before}{start}\n{part}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
