"""Syslog over real sockets, as routers and relays send it, into files that the twin's own reader understands."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.square import square
from twin.errors import InputError
from twin.formats.measurements.log_frames import read_line
from twin.formats.measurements.logs import read_log
from twin.formats.measurements.part import Options
from twin.observe.readings.log_receiver import (
    MOST_LINE,
    Endpoint,
    Listening,
    LogFolder,
    LogReceiver,
    TlsFiles,
    address,
    stamped,
)

NOW = datetime(2026, 11, 30, 2, 30, tzinfo=UTC)
ANY = Endpoint("127.0.0.1", 0)
MODERN = "<165>1 2026-11-30T02:29:58.123Z gw1 rpd 512 - - RPD_OSPF_NBRDOWN: down"
OLD = "<189>Nov 30 02:29:59: %LINK-3-UPDOWN: Interface Gi0/1, changed state to down"


def received(
    tmp_path: Path,
    send: Callable[[Listening], Awaitable[None]],
    wanted: int,
    listening: Listening,
    tls: TlsFiles | None = None,
) -> list[str]:
    """The lines in the folder once so many are there, or after some seconds."""
    folder = LogFolder(tmp_path / "syslog", timedelta(hours=2), lambda: NOW)

    async def work() -> None:
        receiver = LogReceiver(listening, folder, {"127.0.0.1": "gw7"}, tls)
        at = await receiver.start()
        try:
            await send(at)
            for _ in range(200):
                if folder.written >= wanted:
                    break
                await asyncio.sleep(0.02)
        finally:
            receiver.close()

    asyncio.run(work())
    files = sorted((tmp_path / "syslog").iterdir())
    return [line for file in files for line in file.read_text().splitlines()]


def test_datagrams_are_lines_and_who_says_no_name_is_named_by_its_address(tmp_path: Path) -> None:
    async def send(at: Listening) -> None:
        assert at.udp is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            for line in (MODERN, OLD, "<13>a\nb\x1b[31m\0c", "<13>", ""):
                one.sendto(line.encode(), tuple(at.udp))
                await asyncio.sleep(0.01)

    lines = received(tmp_path, send, 3, Listening(udp=ANY))
    assert len(lines) == 3
    assert lines[0] == MODERN
    first, second = (read_line(x, now=NOW) for x in lines[:2])
    assert (first.host, first.time) == (
        "gw1",
        pytest.approx(datetime(2026, 11, 30, 2, 29, 58, 123_000, UTC).timestamp()),
    )
    assert (second.host, second.severity) == ("gw7", 3)
    assert second.time == datetime(2026, 11, 30, 2, 29, 59, tzinfo=UTC).timestamp()
    assert second.message == "%LINK-3-UPDOWN: Interface Gi0/1, changed state to down"
    assert not set(lines[2]) & set("\n\x1b\0")


def test_streams_count_octets_or_end_lines_and_one_that_is_no_syslog_ends_alone(tmp_path: Path) -> None:
    async def send(at: Listening) -> None:
        assert at.tcp is not None
        for content in (
            f"{len(MODERN)} {MODERN}{len(OLD)} {OLD}".encode(),
            f"{OLD}\r\n{MODERN}\n".encode(),
            b"999999999 x",
            b"9 too short",
            b"77 cut off",
        ):
            _, writer = await asyncio.open_connection(*at.tcp)
            for part in (content[:7], content[7:]):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.01)
            writer.close()

    lines = received(tmp_path, send, 5, Listening(tcp=ANY))
    assert sum(x == MODERN for x in lines) == 2
    assert sum("LINK-3-UPDOWN" in x for x in lines) == 2
    assert sum("too short" in x for x in lines) == 1
    assert len(lines) == 5


def test_tls_is_spoken_and_a_sender_without_the_right_certificate_is_not_heard(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificates of this test")
    for name in ("gw1", "stranger"):
        words = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "1",
        ]
        words += ["-keyout", f"{tmp_path}/{name}.key", "-out", f"{tmp_path}/{name}.pem", "-subj", f"/CN={name}"]
        subprocess.run([*words, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    files = TlsFiles(tmp_path / "gw1.pem", tmp_path / "gw1.key", tmp_path / "gw1.pem")

    async def send(at: Listening) -> None:
        assert at.tls is not None
        for name in ("stranger", "gw1"):
            context = ssl.create_default_context(cafile=str(tmp_path / "gw1.pem"))
            context.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
            line = f"<13>1 - {name} - - - - hello"
            try:
                _, writer = await asyncio.open_connection(*at.tls, ssl=context)
                writer.write(f"{len(line)} {line}".encode())
                await writer.drain()
                await asyncio.sleep(0.05)
                writer.close()
            except OSError:
                assert name == "stranger"

    assert received(tmp_path, send, 1, Listening(tls=ANY), files) == ["<13>1 - gw1 - - - - hello"]
    with pytest.raises(InputError, match="cannot be used"):
        LogReceiver(Listening(tls=ANY), LogFolder(tmp_path, timedelta(hours=1), lambda: NOW), {},
                    TlsFiles(tmp_path / "gw1.pem", tmp_path / "stranger.key"))  # fmt: skip


def test_files_are_of_an_hour_old_ones_go_and_a_flood_is_counted(tmp_path: Path) -> None:
    clock = [NOW]
    folder = LogFolder(tmp_path, timedelta(hours=2), lambda: clock[0], most=40)
    (tmp_path / "mine.log").write_text("kept")
    for hour in range(5):
        clock[0] = NOW + timedelta(hours=hour)
        for _ in range(3):
            folder.add("<13>fifteen bytes")
    folder.close()
    assert [x.name for x in sorted(tmp_path.iterdir())] == [*(f"2026-11-30T{x:02}.log" for x in (4, 5, 6)), "mine.log"]
    assert (folder.written, folder.dropped) == (10, 5)
    again = LogFolder(tmp_path, timedelta(hours=2), lambda: clock[0], most=60)
    again.add("<13>fifteen bytes")
    again.close()
    assert len((tmp_path / "2026-11-30T06.log").read_text().splitlines()) == 3


def test_what_was_received_is_what_the_reader_of_logs_makes_events_of(tmp_path: Path) -> None:
    node = square().nodes[0].name
    interface = square().links[0].interface.rsplit("/", 1)[1]
    line = f"<189>Nov 30 02:29:59: %LINK-3-UPDOWN: Interface {interface}, changed state to down"
    folder = LogFolder(tmp_path, timedelta(hours=2), lambda: NOW)
    for number in range(2):
        folder.add(stamped(line.replace(":59", f":5{number}").encode(), node, NOW))
    folder.close()
    part = read_log(str(tmp_path / "2026-11-30T02.log"), square(), Options(now=NOW))
    assert [(x.node, x.severity) for x in part.events] == [(node, 3)] * 2


@given(st.binary(max_size=300), st.sampled_from(["", "gw1"]))
def test_whatever_comes_is_one_line_without_control_characters(content: bytes, sender: str) -> None:
    line = stamped(content, sender, NOW)
    assert len(line.splitlines()) <= 1
    assert len(line) <= MOST_LINE + 60
    assert all(x.isprintable() or x == "\t" for x in line)


def test_an_address_has_a_port() -> None:
    assert address("0.0.0.0:5514") == ("0.0.0.0", 5514)
    assert address("[::1]:6514") == ("::1", 6514)
    assert address("5514") == ("127.0.0.1", 5514)
    with pytest.raises(InputError, match="is no address"):
        address("router")
