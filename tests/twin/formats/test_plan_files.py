import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import FormatError, InputError, TwinError
from twin.formats.plan import read_plan, write_plan
from twin.model import SegmentList, Tunnel
from twin.plan import ExpectedEffect, LimitDemand, Plan, SetTunnel, SetWeight

PLAN = Plan(
    goal="relieve Köln->Mainz",
    base="0123456789abcdef",
    steps=(
        SetWeight(link="A->B", weight=20),
        SetTunnel(tunnel=Tunnel(name="t", source="A", target="B", paths=(SegmentList(via=("C",)),), on_invalid="igp")),
        LimitDemand(source="A", target="B", limit=None),
    ),
    expected=ExpectedEffect(max_utilisation=(0.9, 0.7), harm=(10.0, 0.0)),
)


def test_a_written_plan_reads_back_with_the_same_hash(tmp_path):
    write_plan(PLAN, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == PLAN
    assert read_plan(tmp_path / "plan.json").hash == PLAN.hash
    assert [file.name for file in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    ("change", "where", "expected"),
    [
        ({"steps": []}, "$.steps", "at least 1 item"),
        ({"base": "abc"}, "$.base", "match pattern"),
        ({"goal": None}, "$.goal", "a valid string"),
        ({"colour": "red"}, "$.colour", "no such field"),
        ({"steps": [{"op": "set_weight", "link": "A->B", "weight": 0}]}, "$.steps[0].set_weight.weight", "1"),
        ({"steps": [{"op": "drain_all"}]}, "$.steps[0]", "set_weight"),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(tmp_path, change, where, expected):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN.model_dump(mode="json") | change))
    with pytest.raises(FormatError) as caught:
        read_plan(path)
    assert caught.value.where == where
    assert expected in caught.value.expected
    assert str(path) in str(caught.value)


def test_a_missing_file_says_what_to_check(tmp_path):
    with pytest.raises(InputError, match="No such file") as caught:
        read_plan(tmp_path / "none.json")
    assert caught.value.exit_code == 2
    assert caught.value.fix


def test_a_folder_that_does_not_exist_cannot_be_written_to(tmp_path):
    with pytest.raises(InputError, match="cannot write"):
        write_plan(PLAN, tmp_path / "none" / "plan.json")


WRITTEN = PLAN.model_dump_json().encode()


@given(noise=st.binary(max_size=200) | st.integers(0, len(WRITTEN) - 1).map(lambda length: WRITTEN[:length]))
def test_noise_in_place_of_a_plan_is_refused(tmp_path_factory, noise):
    path = tmp_path_factory.mktemp("noise") / "plan.json"
    path.write_bytes(noise)
    with pytest.raises(TwinError):
        read_plan(path)
