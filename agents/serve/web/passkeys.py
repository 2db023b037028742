"""Deciding with a passkey: the question that is signed, asked once, and what became of it; and enrolling one.

What the authenticator signs is the hash of the very decision that goes on the run's record. The question lives a
minute, is for one person, and is looked at against what is: when it is asked, and again when the answer arrives.
"""

import json
import secrets
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

import webauthn
from opentelemetry.trace import get_current_span
from pydantic import JsonValue
from starlette.responses import Response
from webauthn.helpers import base64url_to_bytes, decode_credential_public_key, structs
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import DecodedEC2PublicKey
from webauthn.helpers.exceptions import WebAuthnException

from agents.record.approvers import enrol_passkey, passkeys_of
from agents.record.history import RunHistory
from agents.record.waiting import Decided, decide, decision_on
from tools.box.tracing import linked
from twin.clock import utc_now
from twin.errors import CertificateError, InputError, RightsError
from twin.gate.certificate import Approval, PublicKey
from twin.gate.passkey import Passkey, challenge, passkey_objection
from twin.gate.signing import Assertion

from .app import Asked, Console, as_json
from .rights import planned

SECONDS = 60.0
_MOST = 200
Decision = Literal["approve", "reject"]


class _Question(NamedTuple):
    who: str
    asked: float
    approval: Approval | None
    passkeys: tuple[Passkey, ...]
    challenge: bytes


class Questions:
    """Questions that wait for an authenticator, each for one answer of one person."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, _Question] = {}

    def put(self, question: _Question) -> str:
        """Keep a question and return its name."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            now = time.monotonic()
            self._waiting = {k: x for k, x in self._waiting.items() if now - x.asked < SECONDS}
            while len(self._waiting) >= _MOST:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[name] = question
        return name

    def pop(self, name: str, who: str) -> _Question:
        """Take a question out, whatever its answer is worth. Raises `CertificateError` when it is gone."""
        with self._lock:
            found = self._waiting.pop(name, None)
        if found is None or found.who != who or time.monotonic() - found.asked >= SECONDS:
            raise CertificateError("this question was answered already, or has waited too long", fix="ask again")
        return found


class _Answered:
    """Signs exactly the decision that was asked about, with what the authenticator made of it."""

    def __init__(self, asked: Approval, passkey: Passkey, assertion: Assertion) -> None:
        self.public = PublicKey(passkey.key)
        self._asked, self._assertion = asked, assertion

    def approve(self, approval: Approval) -> Approval:
        """Return the signed decision. Raises `CertificateError` when another one is to be made by now."""
        if approval.model_copy(update={"role": "person", "key": self.public.hex}) != self._asked:
            raise CertificateError("the plan, its state or its policy has moved since you were asked", fix="look again")
        return self._asked.model_copy(update={"assertion": self._assertion})


def ask_decision(console: Console, asked: Asked) -> Response:
    """Ask for a signature on what somebody saw. 409 if any of it moved."""
    run = asked.path["run"]
    past, view, conflicts = console.screens.approval(run, asked.visitor)
    asked.require("approver", planned(past))
    decision = _decision(asked)
    _require_seen(asked, dict(view.hashes))
    _require_may(console, asked, past)
    if conflicts and decision == "approve":
        raise CertificateError(
            f"it would not pass with the plan of {conflicts[0].run}: {conflicts[0].words}", fix="decide that"
        )
    known = passkeys_of(console.room.place.home, asked.visitor.name)
    usable = tuple(x for x in known if x.rp == console.rp)
    if not usable:
        raise CertificateError(f"{asked.visitor.name} has no passkey here", fix="have one made, or use twinops approve")
    approval = _approval(past, asked, decision, usable[0], utc_now())
    asks = challenge(approval)
    options = webauthn.generate_authentication_options(
        rp_id=console.rp,
        challenge=asks,
        timeout=int(SECONDS * 1000),
        user_verification=structs.UserVerificationRequirement.REQUIRED,
        allow_credentials=[structs.PublicKeyCredentialDescriptor(id=bytes.fromhex(usable[0].credential))],
    )
    name = _questions(console).put(_Question(asked.visitor.name, time.monotonic(), approval, usable, asks))
    return as_json({"question": name, "options": json.loads(webauthn.options_to_json(options))})


def decide_by_passkey(console: Console, asked: Asked) -> Response:
    """Put a signed decision on the record of its run, and have the run taken up. 409 if anything moved meanwhile."""
    question = _questions(console).pop(asked.text("question", 100), asked.visitor.name)
    if question.approval is None:
        raise CertificateError("this question is about a new passkey", fix="ask again")
    approval, assertion = question.approval, _assertion(asked.body.get("credential"))
    passkey = next((x for x in question.passkeys if x.credential == assertion.credential), None)
    if passkey is None:
        raise CertificateError("this passkey was not asked", fix="use the one that is enrolled")
    against = passkey_objection(approval.model_copy(update={"assertion": assertion}), passkey)
    if against:
        raise CertificateError(against, fix="ask again")
    if approval.decision == "approve" and (conflicts := console.screens.approval(asked.path["run"], asked.visitor)[2]):
        raise CertificateError(
            f"it would not pass with the plan of {conflicts[0].run} by now", fix="decide that one first"
        )
    decided = decide(
        console.screens.run_folder(asked.path["run"]),
        approval.decision,
        who=asked.visitor.name,
        key=_Answered(approval, passkey, assertion),
        clock=lambda: approval.time,
        home=console.room.place.home,
        reason=approval.reason,
    )
    linked(get_current_span(), decided.trace)
    console.room.audit(asked.visitor.name, f"{approval.decision} of {approval.plan} in {approval.run}, by passkey")
    return as_json({"words": _after(console, asked, decided, approval)})


def ask_passkey(console: Console, asked: Asked) -> Response:
    """Begin to enrol a passkey for whoever is signed in: it is an admin's to do."""
    name, asks = asked.visitor.name, secrets.token_bytes(32)
    options = webauthn.generate_registration_options(
        rp_id=console.rp,
        rp_name="twinops",
        user_name=name,
        user_id=name.encode(),
        challenge=asks,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        supported_pub_key_algs=[COSEAlgorithmIdentifier.ECDSA_SHA_256],
    )
    question = _questions(console).put(_Question(name, time.monotonic(), None, (), asks))
    return as_json({"question": question, "options": json.loads(webauthn.options_to_json(options))})


def put_passkey(console: Console, asked: Asked) -> Response:
    """Let somebody be known by a new passkey."""
    question = _questions(console).pop(asked.text("question", 100), asked.visitor.name)
    credential = asked.body.get("credential")
    if question.approval is not None or not isinstance(credential, dict):
        raise CertificateError("this question is not about a new passkey", fix="ask again")
    try:
        made = webauthn.verify_registration_response(
            credential=json.dumps(credential),
            expected_challenge=question.challenge,
            expected_rp_id=console.rp,
            expected_origin=console.origin,
            require_user_verification=True,
        )
        key = decode_credential_public_key(made.credential_public_key)
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise CertificateError(f"this is no new passkey: {error}", fix="ask again") from error
    if not isinstance(key, DecodedEC2PublicKey):
        raise CertificateError("this passkey is not of the kind that was asked for", fix="use another authenticator")
    point = (b"\x04" + key.x.rjust(32, b"\0") + key.y.rjust(32, b"\0")).hex()
    passkey = Passkey(made.credential_id.hex(), point, console.rp, (console.origin,))
    enrol_passkey(console.room.place.home, asked.visitor.name, passkey)
    console.room.audit(asked.visitor.name, f"enrolled passkey {passkey.key[:16]} for themselves")
    return as_json({"words": f"{asked.visitor.name} may decide with this passkey now; its key is {passkey.key[:16]}."})


def _questions(console: Console) -> Questions:
    if not isinstance(console.questions, Questions):
        console.questions = Questions()
    return console.questions


def _decision(asked: Asked) -> Decision:
    given = asked.text("decision", 10)
    if given == "approve":
        return "approve"
    if given == "reject":
        return "reject"
    raise InputError(f"no decision {given!r}", fix="approve or reject")


def _require_seen(asked: Asked, now: Mapping[str, str]) -> None:
    """Make sure that what somebody saw is what is. Raises `CertificateError` that names what moved."""
    for name in ("plan", "snapshot", "policy"):
        if asked.text(name, 64) != now[name]:
            raise CertificateError(
                f"you saw {name} {asked.text(name, 64)[:64]}, and it is {now[name]}", fix="look again"
            )


def _require_may(console: Console, asked: Asked, past: RunHistory) -> None:
    """Make sure that nobody answers for what they asked for themselves, where the room's settings say so."""
    if console.room.settings.author_may_approve:
        return
    mine = {f"had the agents look at {x.id} again" for x in console.room.board.alive if x.run == past.started.run}
    if any(x.who == asked.visitor.name and x.what in mine for x in console.room.board.audit):
        raise RightsError(f"{asked.visitor.name} asked for this plan: another person decides", fix="ask somebody else")


def _approval(past: RunHistory, asked: Asked, decision: Decision, passkey: Passkey, now: datetime) -> Approval:
    said = decision_on(past, decision, who=asked.visitor.name, now=now, reason=asked.text("reason", 1_000))
    return said.model_copy(update={"key": passkey.key})


def _assertion(credential: JsonValue) -> Assertion:
    """Read what the browser sent, as the bytes that the authenticator and it wrote."""
    try:
        if not isinstance(credential, dict) or not isinstance(made := credential["response"], dict):
            raise TypeError("it has no response")
        texts = {name: str(made[name]) for name in ("authenticatorData", "clientDataJSON", "signature")}
        parts = {name: base64url_to_bytes(text).hex() for name, text in texts.items()}
        return Assertion(
            credential=base64url_to_bytes(str(credential["rawId"])).hex(),
            authenticator_data=parts["authenticatorData"],
            client_data=parts["clientDataJSON"],
            signature=parts["signature"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"this is no answer of a passkey: {error}", fix="ask again") from error


def _after(console: Console, asked: Asked, decided: Decided, approval: Approval) -> str:
    who = asked.visitor.name
    if approval.decision == "reject":
        console.room.settled(approval.run)
        return f"Rejected by {who}; nothing was changed."
    if not decided.goes_on:
        return f"Approved by {who}; {decided.waits_for} more people have to approve it."
    console.room.go_on_with(approval.run)
    return f"Approved by {who}. The executor makes each step and compares what it measures with the twin."
