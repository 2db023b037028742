"""docs/formats.md names every format, every key and every unit that is read, and what is not."""

import re

from tests.twin.formats.formats_page import PAGE, written
from twin.formats.recognise import FORMATS
from twin.formats.strangers import STRANGERS


def test_the_tables_of_the_page_are_the_vocabulary():
    text = PAGE.read_text(encoding="utf-8")
    assert written(text) == text, "run python -m tests.twin.formats.formats_page"


def test_the_page_has_a_row_for_every_format():
    rows = re.findall(r"^\| \*\*(.+?)\*\*", PAGE.read_text(encoding="utf-8"), re.M)
    assert {known.name for known in FORMATS} - set(rows) == set()
    assert {"table of links", "matrix of links"} <= set(rows)


def test_the_page_names_what_is_told_and_not_read():
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert [stranger.name for stranger in STRANGERS if stranger.name not in text] == []
