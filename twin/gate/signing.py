"""Keys, and what people sign with them.

Signatures are Ed25519 (RFC 8032) over canonical JSON. A private key lives in a file of its own that only its owner may
read, away from the folders that agents write to.
"""

import os
import stat
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import AwareDatetime, Field, SerializerFunctionWrapHandler, model_serializer

from twin.errors import InputError, StoreError
from twin.files import SMALL, read_text
from twin.model import Frozen

if TYPE_CHECKING:  # whoever only reads what was signed does not wait for it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Assertion(Frozen):
    """What an authenticator made of a decision (WebAuthn): the bytes as they came, in hex."""

    credential: str = Field(pattern=r"^[0-9a-f]{2,2048}$")
    authenticator_data: str = Field(pattern=r"^[0-9a-f]{74,8192}$")
    client_data: str = Field(pattern=r"^[0-9a-f]{2,16384}$")
    signature: str = Field(pattern=r"^[0-9a-f]{2,1024}$")


class Approval(Frozen):
    """One decision on exactly one plan in one state. A person's is signed with a key of their own."""

    who: str = Field(min_length=1, max_length=100, description="A person's name, or verification-agent.")
    role: Literal["agent", "person"] = "agent"
    decision: Literal["approve", "reject"]
    plan: str = Field(description="Plan hash.")
    snapshot: str
    policy: str = Field(default="", description="Hash of the policy that it is given under; a person's names one.")
    run: str = Field(default="", description="The run whose plan it is; a person's names one.")
    time: AwareDatetime
    reason: str = Field(default="", max_length=2000)
    key: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="A person's public key, 64 hex digits; of a passkey, SHA-256 of its public point.",
    )
    signature: str = Field(default="", pattern=r"^[0-9a-f]*$", description="Ed25519, 128 hex digits; a person's only.")
    assertion: Assertion | None = Field(default=None, description="In place of a signature, where a passkey was used.")

    @property
    def payload(self) -> bytes:
        """What a person signs: canonical JSON of everything but the signature."""
        return self.model_dump_json(exclude={"signature", "assertion"}).encode()

    @property
    def is_signed(self) -> bool:
        """Whether the signature is that of the key it names; of a passkey only who knows it can tell."""
        return bool(self.key) and self.assertion is None and PublicKey(self.key).signed(self.payload, self.signature)

    @model_serializer(mode="wrap")
    def _without_blanks(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        written: dict[str, object] = handler(self)
        if written.get("assertion", self) is None:  # what was signed before there were passkeys is spelled as it was
            del written["assertion"]
        return written


class PublicKey(NamedTuple):
    """The half of the key that may be shown: 64 hex digits."""

    hex: str

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of the SHA-256 of the raw key."""
        return sha256(bytes.fromhex(self.hex)).hexdigest()[:16]

    def signed(self, payload: bytes, signature: str) -> bool:
        """Whether this key made a signature, 128 hex digits, over a payload."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.hex))
            key.verify(bytes.fromhex(signature), payload)
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKey:
    """An Ed25519 private key; it never shows itself in text."""

    def __init__(self, key: "Ed25519PrivateKey") -> None:
        self._key = key

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return PublicKey(self._key.public_key().public_bytes_raw().hex())

    def sign(self, payload: bytes) -> str:
        """Return the signature, 128 hex digits."""
        return self._key.sign(payload).hex()

    def approve(self, approval: Approval) -> Approval:
        """Return a person's decision with this key and its signature on it."""
        named = approval.model_copy(update={"role": "person", "key": self.public.hex})
        return named.model_copy(update={"signature": self.sign(named.payload)})

    @classmethod
    def create(cls, path: Path, *, runs: Path | None = None) -> "SigningKey":
        """Make a new key and write it to a file that only its owner may read; an existing file is never overwritten.

        `runs` is the folder where agents' runs are kept: a key inside it is refused. Raises `StoreError`.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        _require_outside(path, runs)
        key = Ed25519PrivateKey.generate()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(key.private_bytes_raw().hex() + "\n")
        except OSError as error:
            raise StoreError(
                f"cannot create the signing key {path}: {error.strerror}",
                fix="free some space or fix the rights; TWINOPS_HOME names another home",
            ) from error
        return cls(key)

    @classmethod
    def load(cls, path: Path, *, runs: Path | None = None) -> "SigningKey":
        """Read a key; one that others may read, or that lies among the runs, is refused. Raises `StoreError`."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        _require_outside(path, runs)
        try:
            mode = path.stat().st_mode
            text = read_text(path, most=SMALL).strip()
            key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))
        except (OSError, InputError) as error:
            raise StoreError(f"cannot read the signing key {path}: {error}", fix="create one") from error
        except ValueError as error:
            raise StoreError(
                f"{path} holds no Ed25519 key of 64 hex digits", fix="delete it to make a new one"
            ) from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise StoreError(
                f"others may read the signing key {path}", fix=f"chmod 600 {path}, or better make a new one"
            )
        return cls(key)

    @classmethod
    def open(cls, path: Path, *, runs: Path | None = None) -> "SigningKey":
        """Read the key, or make it when there is none yet. Raises `StoreError`."""
        return cls.load(path, runs=runs) if path.exists() else cls.create(path, runs=runs)


def _require_outside(path: Path, runs: Path | None) -> None:
    if runs is not None and path.resolve().is_relative_to(runs.resolve()):
        raise StoreError(f"the signing key {path} may not lie among the runs in {runs}", fix="keep it elsewhere")
