"""A hand that is a person: told each step in a file, waited for, believed only as far as telemetry agrees."""

import threading
import time
from pathlib import Path

import pytest

from tests.command_line import here
from tests.twin.execute.actuators.test_netconf_hand import NAMES, look, network
from twin.errors import ExecutionError
from twin.execute.actuators.advised import AdvisedNetwork, answer
from twin.execute.actuators.made import MadeByHand
from twin.execute.actuators.xml_paths import xml_path
from twin.execute.render import Inventory
from twin.execute.routers import Routers
from twin.plan import DrainLink, LimitDemand, SetWeight, UndrainLink


def advised(folder: Path, wait_s: float = 20.0) -> AdvisedNetwork:
    known = Inventory(NAMES, Routers(dialect="iosxr", process="CORE"))
    return AdvisedNetwork(look, known, MadeByHand(folder / "effects"), folder / "advice", wait_s=wait_s)


def answering(folder: Path, no: str | None = None, *, number: int = 1) -> threading.Thread:
    def person() -> None:
        end = time.monotonic() + 20
        while not (folder / "advice" / f"{number:04}.txt").exists() and time.monotonic() < end:
            time.sleep(0.05)
        answer(folder, no=no)

    thread = threading.Thread(target=person)
    thread.start()
    return thread


def test_a_step_is_handed_over_in_the_words_of_each_router_and_made_once_somebody_says_so(tmp_path: Path) -> None:
    live, person = advised(tmp_path), answering(tmp_path)
    live.apply(DrainLink(circuit=network().links[0].circuit))
    person.join()
    text = (tmp_path / "advice" / "0001.txt").read_text()
    assert "on A (iosxr):" in text
    assert "on B (iosxr):" in text
    assert "metric 16777214 level 2" in text
    assert text.index("to take it back:") < text.index("metric 10 level 2")
    assert advised(tmp_path).read_topology().links[0].drained
    live.apply(DrainLink(circuit=network().links[0].circuit))  # it is drained already: nobody is asked again
    assert len(list((tmp_path / "advice").iterdir())) == 2


def test_a_correction_of_what_only_the_router_has_wrong_is_handed_over_and_so_is_its_way_back(tmp_path: Path) -> None:
    """The inventory has it right all the time; what the router was found to run is typed in again on the way back."""
    right, wrong, live = SetWeight(link="A->B", weight=10), SetWeight(link="A->B", weight=999), advised(tmp_path)
    for number, change in ((1, right), (2, wrong)):
        person = answering(tmp_path, number=number)
        live.apply(change, recorded=right)
        person.join()
        assert f"metric {change.weight}" in (tmp_path / "advice" / f"000{number}.txt").read_text()
        assert advised(tmp_path).read_topology() == network()
    drained = network().links[0].circuit
    person = answering(tmp_path, number=3)
    live.apply(UndrainLink(circuit=drained), recorded=UndrainLink(circuit=drained))
    person.join()
    assert "metric 10" in (tmp_path / "advice" / "0003.txt").read_text()
    assert advised(tmp_path).read_topology() == network()


def test_no_and_silence_are_errors_that_leave_the_network_as_it_was(tmp_path: Path) -> None:
    live, person = advised(tmp_path), answering(tmp_path, no="the window is closed\n<b>")
    with pytest.raises(ExecutionError, match="the window is closed <b>"):
        live.apply(LimitDemand(source="A", target="B", limit=5.0))
    person.join()
    assert "police to 5 Mbit/s" in (tmp_path / "advice" / "0001.txt").read_text()
    with pytest.raises(ExecutionError, match="nobody has said"):
        advised(tmp_path, wait_s=0.1).apply(SetWeight(link="A->B", weight=3))
    assert live.read_topology() == network()


def test_a_step_that_was_handed_over_before_a_kill_is_waited_for_again_and_not_handed_over_twice(
    tmp_path: Path,
) -> None:
    change = SetWeight(link="A->B", weight=30)
    gone = advised(tmp_path)
    gone._made.record(look().network).intend(change, gone.now)  # and then it was killed
    person = answering(tmp_path)
    advised(tmp_path).apply(change)
    person.join()
    assert [x.name for x in sorted((tmp_path / "advice").iterdir())] == ["0001.done", "0001.txt"]
    assert advised(tmp_path).read_topology().links[0].weight == 30


def test_the_command_answers_the_step_that_waits_and_says_where_none_does(tmp_path: Path) -> None:
    assert here("done", str(tmp_path)).returncode == 2
    (tmp_path / "advice").mkdir()
    (tmp_path / "advice" / "0003.txt").write_text("step 3")
    assert here("done", str(tmp_path / "site.toml"), "--no", "wrong router").returncode == 0
    assert (tmp_path / "advice" / "0003.no").read_text() == "wrong router\n"
    assert here("done", str(tmp_path)).returncode == 2


def test_a_metric_is_found_by_its_keys_whatever_prefixes_an_answer_has() -> None:
    path = xml_path("<a xmlns='u'><i><n>{interface}</n><l><k>2</k><m>{value}</m></l></i></a>", "metric.xml")
    said = """<data><x:a xmlns:x="u"><x:i><x:n>e0</x:n><x:l><x:k>1</x:k><x:m>7</x:m></x:l>
    <x:l><x:k>2</x:k><x:m>9</x:m></x:l></x:i><x:i><x:n>e1</x:n><x:l><x:k>2</x:k><x:m>11</x:m></x:l></x:i></x:a></data>"""
    assert [path.find(said, x) for x in ("e0", "e1", "e2")] == ["9", "11", None]
    assert path.setting("e<0", 5) == "<a xmlns='u'><i><n>e&lt;0</n><l><k>2</k><m>5</m></l></i></a>"
