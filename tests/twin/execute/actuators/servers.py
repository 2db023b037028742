"""Real servers on loopback for tests of hands: netconfd of yuma123, and FRR behind sshd; skipped where they are not."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from getpass import getuser
from pathlib import Path
from typing import NamedTuple

import pytest

from twin.execute.actuators.xml_paths import XmlPath
from twin.ssh_access import Access

NETCONFD, SSHD, SUBSYSTEM = "/usr/sbin/netconfd", "/usr/sbin/sshd", "/usr/sbin/netconf-subsystem"
MODULES = "/usr/share/yuma/modules"
METRIC = XmlPath(
    '<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>{interface}</name>'
    '<igp-metric xmlns="urn:test:igp">{value}</igp-metric></interface></interfaces>'
)
YANG = """module test-igp {
  namespace "urn:test:igp"; prefix t;
  import ietf-interfaces { prefix if; }
  revision 2026-11-30 { description "The metric of an interface, for tests."; }
  augment "/if:interfaces/if:interface" { leaf igp-metric { type uint32 { range "1..16777214"; } } }
}
"""
FRR_LIB = Path("/usr/lib/frr")


class Server(NamedTuple):
    """One server: how it is reached, and its processes."""

    folder: Path
    port: int
    processes: list[subprocess.Popen[bytes]]

    def access(self, hosts: dict[str, str]) -> Access:
        return Access(getuser(), self.folder / "known_hosts", str(self.folder / "client"), self.port, hosts)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def netconf_server(folder: Path, metrics: dict[str, int]) -> Generator[Server]:
    """A router of these interfaces and metrics that speaks NETCONF."""
    for needed in (NETCONFD, SSHD, SUBSYSTEM, "ssh-keygen"):
        if shutil.which(needed) is None:
            pytest.skip(f"no NETCONF server on this machine: {needed} (Debian: netconfd, openssh-server)")
    port, sock = free_port(), folder / "ncx.sock"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test-igp@2026-11-30.yang").write_text(YANG)
    interfaces = "".join(
        f"<interface><name>{name}</name>"
        "<type xmlns:t='urn:ietf:params:xml:ns:yang:iana-if-type'>t:ethernetCsmacd</type>"
        f"<igp-metric xmlns='urn:test:igp'>{value}</igp-metric></interface>"
        for name, value in metrics.items()
    )
    (folder / "startup.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">'
        f'<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces">{interfaces}</interfaces></config>'
    )
    words = [
        NETCONFD,
        "--target=candidate",
        f"--superuser={getuser()}",
        f"--port={port}",
        f"--ncxserver-sockname={sock}",
    ]
    words += [f"--startup={folder}/startup.xml", "--with-startup=false", f"--log={folder}/netconfd.log"]
    words += [f"--modpath={folder}:{MODULES}", f"--runpath={folder}"]
    words += [f"--module={x}" for x in ("iana-if-type", "ietf-interfaces", "test-igp")]
    with ExitStack() as stack:
        server = Server(folder, port, [])
        env = {**os.environ, "HOME": str(folder)}
        stack.callback(_end, server)
        server.processes.append(
            subprocess.Popen(words, env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        )
        _until(sock.exists, server)
        command = f"{SUBSYSTEM} --ncxserver-sockname={port}@{sock}"
        _sshd(server, f'Subsystem netconf "{command}"\nForceCommand {command}\nPermitTTY no\n')
        yield server


@contextmanager
def frr_server(folder: Path, metrics: dict[str, int]) -> Generator[tuple[Server, str]]:
    """A Linux router whose FRR runs IS-IS on these interfaces, and how its `vtysh` is called."""
    for needed in (str(FRR_LIB / "isisd"), "vtysh", SSHD, "ssh-keygen", "unshare"):
        if shutil.which(needed) is None:
            pytest.skip(f"no FRR behind SSH on this machine: {needed} (Debian: frr, openssh-server)")
    if os.getuid() != 0:
        pytest.skip("FRR's daemons start as root alone")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for above in folder.parents[:3]:
        above.chmod(above.stat().st_mode | 0o055)
    sockets = folder / "frr"
    sockets.mkdir()
    shutil.chown(sockets, "frr", "frr")
    interfaces = "".join(f"interface {x}\n ip router isis core\n isis metric {y}\nexit\n" for x, y in metrics.items())
    process = "router isis core\n is-type level-2-only\n metric-style wide\n net 49.0001.0000.0000.0001.00\nexit\n"
    (folder / "isisd.conf").write_text(process + interfaces)
    (folder / "zebra.conf").write_text("")
    with ExitStack() as stack:
        server = Server(folder, free_port(), [])
        stack.callback(_end, server)
        for daemon in ("zebra", "isisd"):
            words = ["unshare", "--net", str(FRR_LIB / daemon), "-f", str(folder / f"{daemon}.conf")]
            words += ["-i", str(sockets / f"{daemon}.pid"), "-z", str(sockets / "zserv"), "--vty_socket", str(sockets)]
            words += ["-P", "0", "-u", "frr", "-g", "frr"]
            server.processes.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            _until((sockets / f"{daemon}.vty").exists, server)
        _sshd(server, "")
        yield server, f"vtysh --vty_socket {sockets}"


@contextmanager
def ssh_server(folder: Path, more: str) -> Generator[Server]:
    """Whatever else speaks SSH: `more` lines of sshd's configuration say what."""
    for needed in (SSHD, "ssh-keygen"):
        if shutil.which(needed) is None:
            pytest.skip(f"no SSH server on this machine: {needed} (Debian: openssh-server)")
    with ExitStack() as stack:
        server = Server(folder, free_port(), [])
        stack.callback(_end, server)
        _sshd(server, more)
        yield server


@contextmanager
def jump_host(folder: Path, router: Server, more: str = "") -> Generator[str]:
    """A host that forwards to routers and runs nothing, known to whoever knows `router`, by the same key."""
    folder.mkdir(parents=True, exist_ok=True)
    with ssh_server(folder, f"ForceCommand /bin/false\n{more}") as host:
        shutil.copy(router.folder / "client.pub", folder / "authorized_keys")
        known = router.folder / "known_hosts"
        before = known.read_text()
        known.write_text(before + (folder / "known_hosts").read_text())
        try:
            yield f"127.0.0.1:{host.port}"
        finally:
            known.write_text(before)


def _sshd(server: Server, more: str) -> None:
    folder, port = server.folder, server.port
    for key in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
    shutil.copy(folder / "client.pub", folder / "authorized_keys")
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nPidFile {folder}/sshd.pid\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        f"KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nAllowUsers {getuser()}\n{more}"
    )
    words = [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")]
    server.processes.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    _until(lambda: _listens(port), server)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True


def _until(ready, server: Server) -> None:
    end = time.monotonic() + 60
    while not ready():
        assert all(x.poll() is None for x in server.processes), "a server ended at once"
        assert time.monotonic() < end, "a server does not come up"
        time.sleep(0.02)


def _end(server: Server) -> None:
    for process in reversed(server.processes):
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
