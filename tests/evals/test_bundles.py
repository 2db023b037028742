"""A bundle holds what others need to look into an evaluation, and nothing is taken from one that is not whole."""

import hashlib
import json
import zipfile

import pytest

from evals.run.record import Record, RunSpec
from evals.run.run import begin, evaluate
from evals.show.bundle import MANIFEST, bundle, unbundle
from tests.command_line import here
from twin.errors import FormatError, InputError
from twin.formats import load_network
from twin.formats.ietf import write_ietf

SUITE = """
like = "incident"
purpose = "one that fails, one that is healthy, one with a plan in place"
[[cases]]
network = "sndlib/abilene"
kind = "link_down"
expect = { max_utilisation = 0.01 }
[[cases]]
network = "sndlib/abilene"
kind = "healthy"
[[cases]]
network = "sndlib/abilene"
kind = "drawn"
seed = 11
expect = { outcomes = ["relieved", "resolved", "needs a person"] }
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    (folder / "mine.toml").write_text(SUITE)
    spec = RunSpec(suites=(str(folder / "mine.toml"),))
    ended = evaluate(begin(spec, folder / "runs"), home=folder / "home", workers=1)
    assert [x.passed for x in ended.results] == [False, True, True]
    packed = bundle(ended.record, folder / "mine.zip")
    return ended, packed


@pytest.fixture(scope="module")
def elsewhere(whole, tmp_path_factory):
    """The bundle unpacked at another place, when what it was made of is not looked at."""
    return unbundle(whole[1].path, tmp_path_factory.mktemp("there") / "runs")


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path, into, change, *, sums=True):
    """A copy with its members changed; `sums` says whether the manifest is made to fit."""
    content = members(path)
    change(content)
    manifest = json.loads(content.pop(MANIFEST))
    if sums:
        manifest["files"] = {name: hashlib.sha256(x).hexdigest() for name, x in content.items()}
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, json.dumps(manifest))
        for name, x in content.items():
            archive.writestr(name, x)
    return into


def test_an_evaluation_comes_out_as_it_went_in(whole, elsewhere):
    ended, packed = whole
    assert elsewhere[1:] == packed[1:]
    assert (packed.results, packed.runs, packed.replayable) == (3, 3, 3)
    record = Record.open(elsewhere.path.parents[1], ended.head.name)
    assert record.folder == elsewhere.path
    for before, after in zip(ended.results, record.results(), strict=True):
        assert before.model_copy(update={"run": ""}) == after.model_copy(update={"run": ""})
        assert after.run.startswith(str(elsewhere.path))
    assert record.head.model_copy(update={"spec": ended.head.spec}) == ended.head


def test_a_bundle_holds_no_key_no_trace_no_twin_and_no_place(whole):
    ended, packed = whole
    content = members(packed.path)
    names = {name.rsplit("/", 1)[-1] for name in content}
    assert {"run.json", "results.jsonl", "results.duckdb", "report.html", "journal.jsonl", "network.jsonl"} <= names
    assert {"plan.json", "certificate.json", "mine.toml"} <= names
    assert not {"twin.duckdb", "trace.jsonl", "lock", "signing.key"} & names
    place = str(ended.record.folder.parents[2]).encode()
    assert [name for name, x in content.items() if place in x] == []


def test_the_same_evaluation_is_bundled_the_same_again(whole, tmp_path):
    ended, packed = whole
    again = bundle(ended.record, tmp_path / "again.zip")
    mine, other = (members(x.path) for x in (packed, again))
    volatile = {MANIFEST, "results.duckdb", "report.html"}
    assert {k: v for k, v in mine.items() if k not in volatile} == {k: v for k, v in other.items() if k not in volatile}


def test_others_report_replay_and_audit_without_a_key(whole, elsewhere, tmp_path):
    runs, nowhere = elsewhere.path.parents[1], {"TWINOPS_HOME": str(tmp_path / "no-keys")}
    reported = here("eval", "report", whole[0].head.name, "--runs", runs, **nowhere)
    assert reported.returncode == 0, reported.stderr
    assert "<h2>Failures</h2>" in (elsewhere.path / "report.html").read_text()
    for result in Record(elsewhere.path).results():
        replayed = here("replay", result.run, "--json", **nowhere)
        assert replayed.returncode == 0, replayed.stdout + replayed.stderr
        told = json.loads(replayed.stdout)
        assert told["same"]
        assert told["followed"] == told["records"] > 5
        audited = json.loads(here("audit", result.run, "--json", **nowhere).stdout)
        assert (audited["chain"], audited["effects"], audited["sound"]) == ("holds", "holds", False)
        signed = any(x["what"].startswith("certified plan") for x in audited["trail"])
        assert audited["certificate"] == ("cannot be told" if signed else "holds")


def journal(content):
    return next(name for name in content if name.endswith("journal.jsonl"))


def tamper(content):
    content["results.jsonl"] = content["results.jsonl"].replace(b'"passed":false', b'"passed":true')


def of_a_file_elsewhere(content):
    head = json.loads(content["run.json"])
    head["spec"]["suites"] = ["/etc/mine.toml"]
    content["run.json"] = json.dumps(head).encode()


@pytest.mark.parametrize(
    ("change", "sums", "words"),
    [
        (tamper, False, "results.jsonl: expected the content that its manifest states"),
        (lambda x: x.pop(journal(x)), False, "journal.jsonl: expected each member once"),
        (lambda x: x.update({"agents/a/plan.json": b""}), False, "agents/a/plan.json: expected each member once"),
        (lambda x: x.update({"../run.json": b""}), True, "'../run.json': expected a member whose path stays"),
        (lambda x: x.update({"agents/../../run.json": b""}), True, "a member whose path stays within"),
        (lambda x: x.update({"/tmp/run.json": b""}), True, "'/tmp/run.json': expected a member whose path stays"),
        (lambda x: x.update({"agents\\..\\run.json": b""}), True, "a member whose path stays within"),
        (lambda x: x.update({"agents/a/signing.key": b""}), True, "expected what an evaluation holds"),
        (lambda x: x.update({"agents/a/twin.duckdb": b""}), True, "expected what an evaluation holds"),
        (lambda x: x.pop("run.json"), True, "run.json: expected this member"),
        (lambda x: x.update({"results.jsonl": b"{}\n"}), True, "results.jsonl: expected the record of an evaluation"),
        (of_a_file_elsewhere, True, "spec.suites: expected suites by name"),
        (lambda x: x.update({MANIFEST: x[MANIFEST].replace(b"bundle/1", b"bundle/2")}), True, "version 1"),
        (lambda x: x.update({MANIFEST: x[MANIFEST].replace(b'"mine-', b'"../mine-')}), True, "name of an evaluation"),
    ],
)
def test_what_is_not_whole_is_refused_and_nothing_is_written(whole, tmp_path, change, sums, words):
    broken = rewritten(whole[1].path, tmp_path / "broken.zip", change, sums=sums)
    with pytest.raises(FormatError) as caught:
        unbundle(broken, tmp_path / "into")
    assert words in str(caught.value)
    assert [x.name for x in tmp_path.iterdir()] == ["broken.zip"]


def test_a_network_that_is_not_the_runs_own_is_refused(whole, tmp_path):
    network = load_network("sndlib/abilene")
    write_ietf(network.with_demands(network.demands * 2), tmp_path / "other.json")

    def change(content):
        name = next(name for name in content if name.endswith("inventory.json"))
        content[name] = (tmp_path / "other.json").read_bytes()

    broken = rewritten(whole[1].path, tmp_path / "broken.zip", change)
    with pytest.raises(FormatError, match=r"inventory.json: expected the network that its run began with"):
        unbundle(broken, tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_a_journal_that_was_changed_together_with_the_manifest_is_refused(whole, tmp_path):
    def change(content):
        name = journal(content)
        content[name] = content[name].replace(b"abilene", b"abilena", 1)

    forged = rewritten(whole[1].path, tmp_path / "forged.zip", change)
    done = here("eval", "unbundle", forged, "--into", tmp_path / "into")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "into").exists()


def test_a_bundle_that_would_fill_the_disk_is_refused(whole, tmp_path):
    with pytest.raises(FormatError, match="at most 50000 members and 1000 bytes"):
        unbundle(whole[1].path, tmp_path / "into", most=1000)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(whole, elsewhere):
    with pytest.raises(InputError, match="exists already"):
        unbundle(whole[1].path, elsewhere.path.parents[1])
    with pytest.raises(InputError, match="exists already"):
        bundle(whole[0].record, whole[1].path)


@pytest.mark.parametrize("content", [b"", b"no zip file", None, b"cut"])
def test_a_file_that_is_no_bundle_is_one_line_and_exit_code_two(whole, tmp_path, content):
    path = tmp_path / "x.zip"
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("run.json", "{}")
    else:
        path.write_bytes(whole[1].path.read_bytes()[:-400] if content == b"cut" else content)
    done = here("eval", "unbundle", path, "--into", tmp_path / "into")
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "into").exists()


def test_the_commands_tell_what_they_did(whole, tmp_path):
    ended = whole[0]
    arguments = ["eval", "bundle", ended.head.name, "--runs", ended.record.folder.parents[1]]
    done = here(*arguments, "-o", tmp_path / "x.zip", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["results"], told["runs"], told["replayable"]) == (3, 3, 3)
    done = here("eval", "unbundle", tmp_path / "x.zip", "--into", tmp_path / "runs")
    assert done.stdout.strip().replace("\n", "").endswith(ended.head.name)
    assert told["manifest"] in done.stderr
    assert here("eval", "unbundle", tmp_path / "y.zip", "--into", tmp_path).returncode == 2
