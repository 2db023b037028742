"""The door for files: what is no regular file, too large, too deep or reached through a link never gets in."""

import os
from pathlib import Path

import pytest

from twin.errors import FormatError, InputError, TwinError
from twin.files import exists, open_lock, parse_json, read_bytes, read_text, read_toml, require_file, write_text


def _pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


ODD = {
    "a pipe": lambda tmp: _pipe(tmp / "pipe"),
    "a device without end": lambda _: Path("/dev/zero"),
    "an empty device": lambda _: Path("/dev/null"),
    "a folder": lambda tmp: tmp,
    "nothing": lambda tmp: tmp / "nothing",
    "no name": lambda tmp: tmp / ("x" * 5_000),
    "an odd name": lambda tmp: tmp / "x\0y",
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("reader", [read_bytes, read_text, read_toml, require_file])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str, reader):
    with pytest.raises(InputError) as caught:
        reader(ODD[kind](tmp_path))
    assert caught.value.fix


@pytest.mark.parametrize("kind", ODD)
def test_a_name_for_nothing_is_no_reason_to_fail(tmp_path: Path, kind: str):
    exists(ODD[kind](tmp_path))


def test_a_file_is_read_up_to_its_cap_whatever_its_length_says(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 11)
    assert read_bytes(path, most=11) == b"x" * 11
    with pytest.raises(FormatError, match="at most 10 bytes"):
        read_bytes(path, most=10)
    with pytest.raises(FormatError):  # its length is said to be 0
        read_bytes("/proc/self/status", most=100)


@pytest.mark.parametrize("place", ["file", "inner/file"])
def test_no_link_is_followed_below_a_folder_that_others_may_have_filled(tmp_path: Path, place: str):
    secret, run = tmp_path / "secret", tmp_path / "run"
    secret.mkdir()
    (secret / "file").write_text("secret")
    run.mkdir()
    link = run / place.split("/")[0]
    link.symlink_to(secret / "file" if place == "file" else secret)
    assert read_text(run / place) == "secret"  # the operator's own word for it is followed
    with pytest.raises(InputError):
        read_text(run / place, below=run)
    with pytest.raises(InputError):
        read_text(run / ".." / "secret" / "file", below=run)


def test_a_link_in_the_place_of_what_is_written_is_replaced_and_not_followed(tmp_path: Path):
    theirs = tmp_path / "theirs"
    for name in ("report.html", "report.html.part"):
        theirs.write_text("precious")
        link = tmp_path / name
        link.symlink_to(theirs)
        write_text(tmp_path / "report.html", "report")
        assert theirs.read_text() == "precious"
        assert (tmp_path / "report.html").read_text() == "report"
        assert not (tmp_path / "report.html").is_symlink()
        link.unlink(missing_ok=True)


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_lock_is_a_plain_file_or_none(tmp_path: Path, kind: str):
    lock, theirs = tmp_path / "lock", tmp_path / "theirs"
    theirs.write_text("precious")
    {"link": lambda: lock.symlink_to(theirs), "pipe": lambda: os.mkfifo(lock), "folder": lock.mkdir}[kind]()
    with pytest.raises((OSError, ValueError)):
        open_lock(lock)
    assert theirs.read_text() == "precious"


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 50_000 + "]" * 50_000,
        "a = " + "[" * 100 + "]" * 100,
        ".".join("a" * 1 for _ in range(3_000)) + " = 1",
        "a = " + "{b = " * 90 + "1" + "}" * 90,
        "a = " + "9" * 5_000,
        "a = " + "9" * 4_000,
        "a = [" + "9" * 400 + "]",
        "a = 1\n" * 400_000,
        "a = ",
        "\ufeff= 1",
    ],
    ids=range(10),
)
def test_toml_that_nobody_means_is_refused_in_one_line(tmp_path: Path, text: str):
    path = tmp_path / "file.toml"
    path.write_text(text)
    with pytest.raises(FormatError) as caught:
        read_toml(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "text", ["[" * 10**5, "[" * 250 + "]" * 250, "9" * 5_000, '"\\ud800"', "NaN", b"\xff", "", '{"a":}']
)
def test_json_that_could_not_be_written_again_is_refused(text: str | bytes):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the words
        parse_json(text)


def test_every_refusal_is_of_the_tree():
    assert issubclass(FormatError, TwinError)
