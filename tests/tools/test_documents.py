"""What people wrote, by the page: all of it comes, none of it is cut as a result, and what is left out is counted."""

import json
from datetime import timedelta

import pytest

from tests.tools.conftest import NOON
from tools.box.provenance import labelled
from tools.box.registry import MAX_RESULT
from tools.box.run_state import RunState
from tools.documents import TEXT, read_documents
from twin.documents import Document


def paper(number: int, text: str, element: str = "node/A") -> Document:
    return Document(
        id=f"DOC-{number}", kind="note", element=element, time=NOON - timedelta(hours=number), author="ana", text=text
    )


@pytest.mark.parametrize("length", [1, 80, TEXT, TEXT + 1, 1_990])
def test_all_papers_come_in_pages_that_a_result_holds(run_state: RunState, length: int):
    run_state.documents = tuple(paper(n, "x" * length, f"link/A:B--{'B' * 60}:A") for n in range(60))
    seen: list[str] = []
    pages, offset = 0, 0
    while offset is not None:
        page = read_documents(run_state, offset=offset)
        assert len(labelled(page, MAX_RESULT)) <= MAX_RESULT
        assert page.total == 60
        seen += [x.id for x in page.documents]
        assert {len(x.text) + (x.more or 0) - bool(x.more) for x in page.documents} == {length}
        pages, offset = pages + 1, page.next_offset
    assert seen == [f"DOC-{n}" for n in range(60)]
    assert pages < 60 / 7


def test_several_texts_come_whole_in_one_answer_and_what_is_no_document_is_not_there(run_state: RunState):
    run_state.documents = tuple(paper(n, f"{n}" * 1_500) for n in range(5))
    (first, *_) = read_documents(run_state).documents
    assert first.more == 1_500 - TEXT
    page = read_documents(run_state, ids=("DOC-3", "DOC-1", "DOC-9"))
    assert [(x.id, len(x.text), x.more) for x in page.documents] == [("DOC-1", 1_500, None), ("DOC-3", 1_500, None)]
    assert "more" not in json.loads(labelled(page))["documents"][0]
    assert read_documents(run_state, ids=("DOC-9",)).documents == ()


def test_papers_of_an_element_are_those_about_it_or_its_ends(run_state: RunState):
    run_state.documents = (paper(1, "one", "node/A"), paper(2, "two", "demand/B->C"), paper(3, "three", ""))
    assert [x.id for x in read_documents(run_state, element="link/A:D--D:A").documents] == ["DOC-1"]
    assert [x.id for x in read_documents(run_state, element="node/C").documents] == ["DOC-2"]
