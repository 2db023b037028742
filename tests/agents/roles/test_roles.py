"""A role that a package brings: found, heard, held to advice; docs/roles.md adds one."""

import importlib
import re
import sys
from pathlib import Path

import pytest
from autogen_core.models import CreateResult

from agents.models.conversation import Conversation
from agents.record.events import CertificateIssued, Noted, ToolReturned
from agents.roles.contracts import advisers, read_role
from tests.agents.characters import calls, model
from tests.agents.incidents import Run, perform
from twin.errors import InputError

PAGE = Path(__file__).resolve().parents[3] / "docs" / "roles.md"
CODE = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)[0]
ROLE = re.search(r'"""(.*)"""', CODE, re.S)[1]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A package on the path that offers the role of the page, with what stands in the place of its conclusion."""
    place = tmp_path / "site"
    info = place / "my_roles-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-roles\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[twinops.roles]\nemergency = my_roles:EMERGENCY\n")
    (place / "my_roles.py").write_text(CODE.replace("Kassel", "IPLSng"))
    monkeypatch.syspath_prepend(str(place))
    importlib.invalidate_caches()
    advisers.cache_clear()
    yield
    sys.modules.pop("my_roles", None)
    advisers.cache_clear()


def heard(tmp: Path, objection: str) -> Run:
    def adviser(talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "advise" not in tools:
            return None
        if talk.offers("what_if"):
            return calls("what_if", fail=["node/IPLSng"])
        return calls("advise", objection=objection, reasons="The call centre loses its second way.")

    return perform(tmp, model=model(adviser))


def test_the_page_adds_a_role_in_forty_lines():
    assert len(CODE.splitlines()) <= 40
    assert read_role(ROLE).place == "after plan"


@pytest.mark.usefixtures("installed")
def test_a_role_of_a_package_is_heard_and_may_agree(tmp_path: Path):
    run = heard(tmp_path, "none")
    assert [x.tool for x in run.of(ToolReturned) if x.role == "emergency"] == ["what_if", "advise"]
    assert run.result.finished.outcome == "resolved"


@pytest.mark.usefixtures("installed")
def test_it_may_ask_for_a_person(tmp_path: Path):
    run = heard(tmp_path, "ask a person")
    assert run.result.finished.outcome == "awaiting approval"
    assert "emergency asks for a person" in run.result.finished.because
    assert not run.of(CertificateIssued)


@pytest.mark.usefixtures("installed")
def test_it_may_send_every_plan_back(tmp_path: Path):
    run = heard(tmp_path, "reject")
    assert run.result.finished.outcome == "needs a person"
    assert not run.of(CertificateIssued)
    assert any("emergency: reject" in x.text for x in run.of(Noted))


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('"what_if", "element', '"run_shell", "element', "no tool run_shell"),
        ('evidence = ["what_if"]', 'evidence = ["verify_plan"]', "not among its tools"),
        ('place = "after plan"', 'place = "execute"', "place"),
        ('name = "emergency"', 'name = "Emergency Calls"', "name"),
        ("+++", "---", "name"),
        ("concludes_with", "concludes", "concludes"),
    ],
)
def test_a_file_that_is_no_role_is_refused_in_one_line(before: str, after: str, problem: str):
    with pytest.raises(InputError, match=problem):
        read_role(ROLE.replace(before, after, 1))
