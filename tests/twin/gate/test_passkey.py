"""Decisions signed with a passkey hold for exactly what was signed, where it was, by whom it was enrolled for."""

import hashlib
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from twin.gate.certificate import Authority, Person, objection
from twin.gate.passkey import Passkey, challenge, passkey_objection
from twin.gate.signing import Approval, Assertion, SigningKey
from twin.policy import Policy

ORIGIN, POLICY = "http://localhost:8471", Policy()


class Authenticator:
    """An authenticator of our own making, by the letter of the standard."""

    def __init__(self):
        self.private = generate_private_key(SECP256R1())
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.passkey = Passkey("c0ffee", point.hex(), "localhost", (ORIGIN,))

    def sign(self, approval, *, origin=ORIGIN, rp="localhost", flags=0x05, kind="webauthn.get", cross=False):
        said = {"type": kind, "challenge": urlsafe_b64encode(challenge(approval)).rstrip(b"=").decode()}
        client = json.dumps({**said, "origin": origin, "crossOrigin": cross}).encode()
        data = hashlib.sha256(rp.encode()).digest() + bytes([flags]) + bytes(4)
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ECDSA(SHA256()))
        made = Assertion(
            credential=self.passkey.credential,
            authenticator_data=data.hex(),
            client_data=client.hex(),
            signature=signature.hex(),
        )
        return approval.model_copy(update={"assertion": made})


ADA = Authenticator()


def decision(**changed):
    asked = Approval(
        who="ada",
        role="person",
        decision="approve",
        plan="9122b1e39b6049ab",
        snapshot="467bd58b0bf67462",
        policy=POLICY.hash,
        run="r1",
        time=datetime(2026, 3, 2, 19, tzinfo=UTC),
        key=ADA.passkey.key,
    )
    return asked.model_copy(update=changed)


def counts(approval, person):
    return objection(approval, "low", POLICY, Authority(person={"ada": person}.get, run="r1"))


def test_a_decision_by_an_enrolled_passkey_counts_and_reads_back_as_it_was():
    signed = ADA.sign(decision())
    assert counts(signed, Person(None, passkeys=(ADA.passkey,))) is None
    assert Approval.model_validate_json(signed.model_dump_json()) == signed
    assert "assertion" not in decision().model_dump_json()  # what was signed without one is spelled as it was


@pytest.mark.parametrize(
    "changed",
    [
        {"plan": "0" * 16},
        {"snapshot": "0" * 16},
        {"decision": "reject"},
        {"run": "r2"},
        {"reason": "x"},
        {"who": "eve"},
    ],
    ids=lambda x: next(iter(x)),
)
def test_a_signature_over_something_else_does_not_hold(changed):
    moved = ADA.sign(decision()).model_copy(update=changed)
    assert passkey_objection(moved, ADA.passkey) == "the passkey signed something else"
    known = Authority(person=lambda _who: Person(None, passkeys=(ADA.passkey,)), run=moved.run)
    assert "the passkey signed something else" in objection(moved, "low", POLICY, known)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"origin": "http://localhost:1"}, "on another page"),
        ({"cross": True}, "on another page"),
        ({"kind": "webauthn.create"}, "on another page"),
        ({"rp": "evil.example"}, "under another name"),
        ({"flags": 0x01}, "nobody was present and verified"),
        ({"flags": 0x04}, "nobody was present and verified"),
    ],
    ids=str,
)
def test_a_signature_made_elsewhere_or_by_nobody_does_not_hold(made, why):
    assert why in passkey_objection(ADA.sign(decision(), **made), ADA.passkey)


def test_a_flipped_bit_a_swapped_key_and_a_key_that_nobody_enrolled_are_refused():
    signed, other = ADA.sign(decision()), Authenticator()
    flipped = f"{int(signed.assertion.signature[-2:], 16) ^ 1:02x}"
    broken = signed.assertion.model_copy(update={"signature": signed.assertion.signature[:-2] + flipped})
    assert passkey_objection(signed.model_copy(update={"assertion": broken}), ADA.passkey) is not None
    swapped = other.passkey._replace(credential=ADA.passkey.credential)
    assert "nobody enrolled" in counts(signed, Person(None, passkeys=(swapped,)))
    assert "nobody enrolled" in counts(signed, Person(None))
    anybody = SigningKey(Ed25519PrivateKey.generate()).approve(decision())
    assert "known by a passkey alone" in counts(anybody, Person(None, passkeys=(ADA.passkey,)))
    unreadable = signed.assertion.model_copy(update={"client_data": "ff"})
    assert "cannot be read" in passkey_objection(signed.model_copy(update={"assertion": unreadable}), ADA.passkey)
