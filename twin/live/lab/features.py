"""What this machine can do for a lab: each ability is tried, and what is missing is said with the way to get it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from twin.errors import InputError

FRR = Path("/usr/lib/frr")
PACKAGES = "frr iproute2 nftables"
_TRIAL_S = 20.0


class Feature(NamedTuple):
    """One ability. `missing` says why it is not there, and is empty where it is; a lab needs those `needed`."""

    name: str
    missing: str
    needed: bool


def isolation() -> list[str]:
    """The command that gives a process namespaces of its own, and kills what runs in them when it dies.

    As root the machine's users stay as they are; anybody else becomes root inside a user namespace.
    """
    mine = ["--user", "--map-root-user"] if os.geteuid() else []
    return ["unshare", *mine, "--mount", "--net", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]


def programs() -> list[Feature]:
    """Look for the programs that a lab is made of."""
    wanted = {"unshare": "util-linux", "nsenter": "util-linux", "ip": "iproute2", "tc": "iproute2", "nft": "nftables"}
    found = [
        Feature(name, "" if shutil.which(name, path=_path()) else f"{name} is not installed (package {package})", True)
        for name, package in wanted.items()
    ]
    for daemon in ("zebra", "isisd", "ospfd", "bgpd"):
        missing = "" if (FRR / daemon).exists() else f"{daemon} is not installed (package frr)"
        found.append(Feature(daemon, missing, daemon in ("zebra", "isisd")))
    return found


def probe() -> tuple[Feature, ...]:
    """Try everything once in throw-away namespaces; takes about a fifth of a second."""
    found = programs()
    if sys.platform != "linux":
        return (*found, Feature("namespaces", "network namespaces are a thing of Linux", True))
    if any(x.missing and x.name in ("unshare", "nsenter", "ip", "tc", "nft") for x in found):
        return tuple(found)
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            [*isolation(), "sh", "-c", _TRIALS],
            capture_output=True,
            text=True,
            timeout=_TRIAL_S,
            env=environment(),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return (*found, Feature("namespaces", f"no namespaces of one's own: {error}", True))
    if "namespaces ok" not in done.stdout:
        told = " ".join(done.stderr.split())[:160] or f"code {done.returncode}"
        return (*found, Feature("namespaces", f"no namespaces of one's own: {told}", True))
    lines: dict[str, str] = {}
    for line in done.stdout.splitlines():
        name, _, told = line.partition(" ")
        lines[name] = told
    for name, needed in _TRIED.items():
        told = lines.get(name, "not tried")
        found.append(Feature(name, "" if told == "ok" else f"this kernel has no {name}: {told}", needed))
    return tuple(found)


def missing(found: tuple[Feature, ...]) -> str:
    """Return in one line what a lab needs and this machine has not, nothing where it has everything."""
    return "; ".join(x.missing for x in found if x.missing and x.needed)


def require(found: tuple[Feature, ...] | None = None) -> None:
    """Raise `InputError` with what is missing and how to get it."""
    told = missing(found or probe())
    if told:
        raise InputError(
            f"no lab on this machine: {told}", fix=f"apt-get install {PACKAGES}, and be root or allow user namespaces"
        )


def environment() -> dict[str, str]:
    """The environment of everything in a lab: UTC, and the folders of system programs on the path."""
    kept = {x: os.environ[x] for x in ("HOME", "LANG", "VIRTUAL_ENV", "PYTHONPATH") if x in os.environ}
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**kept, **one_thread, "PATH": _path(), "TZ": "UTC", "PYTHONUNBUFFERED": "1"}


def _path() -> str:
    own = os.environ.get("PATH", "")
    return ":".join(dict.fromkeys([*filter(None, own.split(":")), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]))


_TRIED = {"namespaces": True, "tbf": True, "nft-ingress": False, "hash-seed": False, "netem": False, "mpls": False}
_TRIALS = """
try() { name=$1; shift; if told=$("$@" 2>&1); then echo "$name ok"; else echo "$name $(echo $told | head -c 120)"; fi; }
mount -t tmpfs tmpfs /run && mkdir /run/netns && ip netns add a || exit 1
ip link add x netns a type veth peer name y || exit 1
echo "namespaces ok"
try tbf tc -n a qdisc add dev x root tbf rate 10mbit burst 3200 latency 50ms
try nft-ingress ip netns exec a nft 'table netdev t { chain c { type filter hook ingress device "x" priority 0; ip protocol udp numgen random mod 100 < 5 drop; }; }'
try hash-seed ip netns exec a sh -c 'echo 7 > /proc/sys/net/ipv4/fib_multipath_hash_seed'
try netem tc -n a qdisc replace dev x root netem delay 1ms
try mpls test -d /proc/sys/net/mpls
"""  # noqa: E501 - shell
