"""Decisions signed with a passkey: what the authenticator signs is the hash of the decision itself.

The challenge is SHA-256 over a purpose and the canonical JSON of the approval: plan, snapshot, policy, decision, run,
who, time. The authenticator signs `authenticatorData || SHA-256(clientDataJSON)` (W3C WebAuthn Level 2, 7.2). No server
is asked when it is verified: only the record, and the key that is enrolled at the operator's home.
"""

import hashlib
import json
from base64 import urlsafe_b64decode
from typing import NamedTuple

from .signing import Approval

_PURPOSE = b"twinops/approval/1\n"
_PRESENT_AND_VERIFIED = 0x05  # the flags UP and UV


class Passkey(NamedTuple):
    """A passkey as it is enrolled: its id, its public point on P-256 (65 bytes), and the name and pages it is for."""

    credential: str  # hex
    point: str  # hex, uncompressed
    rp: str
    origins: tuple[str, ...]

    @property
    def key(self) -> str:
        """What an approval names it by: SHA-256 of its public point, 64 hex digits."""
        return hashlib.sha256(bytes.fromhex(self.point)).hexdigest()


def challenge(approval: Approval) -> bytes:
    """Return what the authenticator is asked to sign for a decision, 32 bytes."""
    return hashlib.sha256(_PURPOSE + approval.payload).digest()


def passkey_objection(approval: Approval, passkey: Passkey) -> str | None:
    """Say why a decision is not signed by a passkey, None when it is."""
    made = approval.assertion
    if made is None or approval.key != passkey.key or made.credential != passkey.credential:
        return "it is signed with another passkey"
    try:
        authenticator, client = bytes.fromhex(made.authenticator_data), bytes.fromhex(made.client_data)
        said = json.loads(client)
        asked, origin, foreign = said["challenge"], said["origin"], bool(said.get("crossOrigin"))
        if said["type"] != "webauthn.get" or origin not in passkey.origins or foreign:
            return "the passkey was used on another page"
        if urlsafe_b64decode(asked + "=" * (-len(asked) % 4)) != challenge(approval):
            return "the passkey signed something else"
    except (ValueError, KeyError, TypeError):
        return "what the passkey's browser wrote cannot be read"
    if authenticator[:32] != hashlib.sha256(passkey.rp.encode()).digest():
        return "the passkey was used under another name"
    if len(authenticator) < 37 or authenticator[32] & _PRESENT_AND_VERIFIED != _PRESENT_AND_VERIFIED:
        return "nobody was present and verified"
    return None if _signed(passkey, made.signature, authenticator, client) else "the signature is not of this passkey"


def _signed(passkey: Passkey, signature: str, authenticator: bytes, client: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), bytes.fromhex(passkey.point))
        key.verify(bytes.fromhex(signature), authenticator + hashlib.sha256(client).digest(), ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
