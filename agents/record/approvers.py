"""The people who may approve: each has a key of their own; the operator's home knows its public half and their rights.

Whoever may write `approvers/` there says who may approve what. Removing `NAME.pub` takes effect at once, also for
what its owner approved before and for a plan that is under way.
"""

import re
from pathlib import Path

from pydantic import Field, ValidationError

from twin.errors import CertificateError, InputError, StoreError
from twin.files import SMALL, exists, is_absent, read_text, read_toml, write_text
from twin.gate.certificate import Person, PublicKey, SigningKey
from twin.gate.passkey import Passkey
from twin.model import Frozen
from twin.policy import RiskTier

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_TAKEN = frozenset({"verification-agent"})


class Rights(Frozen):
    """What a person may do: `NAME.toml` beside their public key."""

    up_to: RiskTier = Field(default="high", description="Highest risk whose plans their approval counts for.")


def enrol(home: Path, who: str, *, up_to: RiskTier = "high", runs: Path | None = None) -> tuple[Path, PublicKey]:
    """Make a key for a person and let it be known; return the key file, which only they should have.

    `up_to` is the highest risk that they may answer for. The private half may be moved anywhere, but not among the
    runs. Raises `InputError` on a name that nobody can have, `StoreError` when the person has a key already or the
    folder cannot be written.
    """
    folder = _folder(home, who)
    if (folder / f"{who}.pub").exists():
        raise StoreError(f"{who} has a key already", fix=f"remove {folder / f'{who}.pub'} to give them another one")
    key = SigningKey.create(folder / f"{who}.key", runs=runs)
    try:
        (folder / f"{who}.toml").write_text(f'up_to = "{up_to}"\n', encoding="ascii")
        (folder / f"{who}.pub").write_text(f"{key.public.hex}\n", encoding="ascii")  # last: with it they may approve
    except OSError as error:
        raise StoreError(f"cannot write {folder}: {error.strerror}", fix="check who may write there") from error
    return folder / f"{who}.key", key.public


def person_of(home: Path, who: str) -> Person | None:
    """Return who a name stands for now, None when nobody called so may approve here.

    Somebody without rights on file may answer for every risk. Raises `StoreError` when key or rights cannot be read.
    """
    passkeys = passkeys_of(home, who)
    try:
        key = public_key_of(home, who)
    except InputError:
        key = None
    return Person(key, _rights_of(home, who).up_to, passkeys) if key or passkeys else None


class _Enrolled(Frozen):
    """A passkey on file."""

    credential: str = Field(pattern=r"^[0-9a-f]{2,2048}$")
    point: str = Field(pattern=r"^04[0-9a-f]{128}$", description="On P-256, uncompressed.")
    rp: str = Field(min_length=1, max_length=255)
    origins: tuple[str, ...] = Field(min_length=1, max_length=10)


class _EnrolledAll(Frozen):
    passkeys: tuple[_Enrolled, ...] = Field(default=(), max_length=20)


def passkeys_of(home: Path, who: str) -> tuple[Passkey, ...]:
    """Return the passkeys that a person is known by: `NAME.passkeys.json`. Raises `StoreError` when unreadable."""
    try:
        path = _folder(home, who) / f"{who}.passkeys.json"
    except InputError:
        return ()
    if is_absent(path):
        return ()
    try:
        known = _EnrolledAll.model_validate_json(read_text(path, most=1 << 20))
    except (InputError, ValidationError) as error:
        raise StoreError(f"{path} holds no passkeys", fix="restore it, or enrol anew") from error
    return tuple(Passkey(x.credential, x.point, x.rp, x.origins) for x in known.passkeys)


def enrol_passkey(home: Path, who: str, passkey: Passkey) -> None:
    """Let a person be known by one more passkey. Raises `InputError` on a name that nobody can have, `StoreError`."""
    path = _folder(home, who) / f"{who}.passkeys.json"
    known = [x for x in passkeys_of(home, who) if x.credential != passkey.credential]
    rows = tuple(_Enrolled.model_validate(x._asdict()) for x in (*known, passkey))
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_text(path, _EnrolledAll(passkeys=rows).model_dump_json(indent=2) + "\n", mode=0o600, durable=True)
    except (OSError, InputError) as error:
        raise StoreError(f"cannot write {path}: {error}", fix="check who may write there") from error


def _rights_of(home: Path, who: str) -> Rights:
    path = _folder(home, who) / f"{who}.toml"
    try:
        return Rights.model_validate({} if is_absent(path) else read_toml(path))
    except (InputError, ValidationError) as error:
        raise StoreError(f"{path} holds no rights", fix='write up_to = "low", "medium" or "high"') from error


def key_of(home: Path, who: str, path: Path | None = None, *, runs: Path | None = None) -> SigningKey:
    """Open a person's key, at its usual place if no other is named.

    Raises `CertificateError` when it is not the key that the person is known by, `InputError` when nobody knows them,
    `StoreError` when it cannot be read, others may read it, or it lies among the runs.
    """
    known = public_key_of(home, who)
    key = SigningKey.load(path or _folder(home, who) / f"{who}.key", runs=runs)
    if known != key.public:
        raise CertificateError(
            f"this is not {who}'s key: its fingerprint is {key.public.fingerprint}, theirs is {known.fingerprint}",
            fix="use your own key and name",
        )
    return key


def public_key_of(home: Path, who: str) -> PublicKey:
    """Return the key that a person is known by. Raises `InputError` when there is none, `StoreError` if unreadable."""
    path = _folder(home, who) / f"{who}.pub"
    if not exists(path):
        fix = f"make a key with: twinops approve --new-key --as {who}"
        raise InputError(f"nobody called {who} may approve here", fix=fix)
    try:
        text = read_text(path, most=SMALL).strip()
    except InputError as error:
        raise StoreError(str(error), fix="restore it, or make a new key") from error
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise StoreError(f"{path} holds no public key of 64 hex digits", fix="restore it, or make a new key")
    return PublicKey(text)


def _folder(home: Path, who: str) -> Path:
    if not _NAME.fullmatch(who) or who in _TAKEN:
        raise InputError(f"nobody can be called {who!r} here", fix="use letters, digits, and . _ @ - between them")
    return home / "approvers"
