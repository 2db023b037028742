"""People who come in by their team's single sign-on: OpenID Connect Core 1.0, code flow with PKCE (RFC 7636).

The provider says who somebody is and of which groups; what that allows here is in `room.toml`. A browser gets a ticket
of its own before it is sent to the provider, and only that browser can come back with the answer, once.
"""

import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidTokenError, JoseError
from joserfc.jwk import KeySet
from requests import RequestException

from agents.serve.settings import OpenIdProvider
from twin.errors import InputError, RightsError, TransientError
from twin.untrusted import clean

CALLBACK = "/login/callback"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""What an ID token may be signed with: no shared secret, and nothing unsigned."""
_TICKET_S, _TICKETS, _KEPT_S, _ANEW_S = 600.0, 1_000, 3_600.0, 60.0
_LEEWAY_S, _TIMEOUT_S, _MOST = 60, 10.0, 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class SignedOn(NamedTuple):
    """Who came in."""

    name: str
    groups: tuple[str, ...]


class _Ticket(NamedTuple):
    state: str
    nonce: str
    verifier: str
    begun: float


class SignOn:
    """Asks one provider who somebody is."""

    def __init__(self, provider: OpenIdProvider, origin: str, *, clock: Callable[[], float] = time.time) -> None:
        """`origin` is the console's address as browsers know it. Raises `InputError` when the secret is missing."""
        self._provider, self._redirect, self._clock = provider, f"{origin}{CALLBACK}", clock
        self._secret = os.environ.get(provider.secret_env, "") if provider.secret_env else None
        if self._secret == "":
            raise InputError(f"openid: {provider.secret_env} is not set", fix="give the secret in the environment")
        self._lock = threading.Lock()
        self._tickets: dict[str, _Ticket] = {}
        self._about: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def begin(self) -> tuple[str, str]:
        """Return the provider's address to send a browser to, and its ticket. Raises `TransientError`."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        ticket = _Ticket(state, nonce, verifier, self._clock())
        name = secrets.token_urlsafe(24)
        client, about = self._client(), self._configuration()
        with self._lock:
            fresh = {k: x for k, x in self._tickets.items() if ticket.begun - x.begun < _TICKET_S}
            self._tickets = dict([*fresh.items(), (name, ticket)][-_TICKETS:])
        url, _ = client.create_authorization_url(
            about["authorization_endpoint"], state=ticket.state, nonce=ticket.nonce, code_verifier=ticket.verifier
        )
        return str(url), name

    def finish(self, name: str, answer: Mapping[str, str]) -> SignedOn:
        """Return who a browser came back as.

        Raises `RightsError` on an answer that is none of this browser's, or proves nothing, `TransientError` when the
        provider does not answer.
        """
        with self._lock:
            ticket = self._tickets.pop(name, None)
        if ticket is None or self._clock() - ticket.begun >= _TICKET_S:
            raise RightsError("this browser did not ask to come in, or has waited too long", fix="sign in again")
        if not secrets.compare_digest(answer.get("state", "").encode(), ticket.state.encode()):
            raise RightsError("the answer is to another question than this browser asked", fix="sign in again")
        if answer.get("iss", self._provider.issuer) != self._provider.issuer:  # RFC 9207
            raise RightsError("the answer is another provider's", fix="sign in again")
        if "code" not in answer:
            raise RightsError(f"the provider says {clean(answer.get('error', 'nothing'), 100)}", fix="ask its admin")
        return self._person(self._claims(answer["code"], ticket))

    def _claims(self, code: str, ticket: _Ticket) -> Mapping[str, Any]:
        try:
            token = self._client().fetch_token(
                self._configuration()["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=ticket.verifier,
                allow_redirects=False,
            )
        except RequestException as error:
            raise self._away(error) from error
        except (AuthlibBaseError, ValueError, TypeError) as error:
            raise RightsError(f"the provider gives no token: {clean(str(error), 100)}", fix="sign in again") from error
        given = token.get("id_token")
        if not isinstance(given, str) or len(given) > _MOST:
            raise RightsError("the provider gives no ID token", fix="let the client ask for the scope openid")
        return self._proven(given, str(token.get("access_token", "")), ticket)

    def _proven(self, given: str, access: str, ticket: _Ticket) -> Mapping[str, Any]:
        try:
            signed = self._signed(given)
            claims: Any = CodeIDToken(
                signed.claims,
                signed.header,
                {
                    "iss": {"essential": True, "value": self._provider.issuer},
                    "aud": {"essential": True, "value": self._provider.client_id},
                },
                {"nonce": ticket.nonce, "client_id": self._provider.client_id, "access_token": access},
            )
            claims.validate(now=int(self._clock()), leeway=_LEEWAY_S)
        except (ExpiredTokenError, InvalidTokenError) as error:
            fix = "set the clocks of this machine and of the provider by NTP"
            raise RightsError(f"the ID token is not of this minute: {error}", fix=fix) from error
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise RightsError(f"the ID token does not hold: {clean(str(error), 100)}", fix="sign in again") from error
        return claims

    def _signed(self, given: str) -> jwt.Token:
        try:
            return jwt.decode(given, self._key_set(), algorithms=ALGORITHMS)
        except (JoseError, ValueError, KeyError):
            keys = self._keys
            if keys is None or self._clock() - keys[0] < _ANEW_S:
                raise
            self._keys = None  # its keys may have been changed for new ones
            return jwt.decode(given, self._key_set(), algorithms=ALGORITHMS)

    def _person(self, claims: Mapping[str, Any]) -> SignedOn:
        provider = self._provider
        name, groups = claims.get(provider.name_claim), claims.get(provider.groups_claim, [])
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            fix = "choose another name_claim: letters, digits and . _ @ - are names here"
            raise RightsError(f"the ID token has no {provider.name_claim} that can be a name", fix=fix)
        if provider.name_claim == "email" and claims.get("email_verified") is not True:
            raise RightsError(f"the provider has not verified the address {name}", fix="have it verified there")
        told = [groups] if isinstance(groups, str) else cast("list[object]", groups) if isinstance(groups, list) else []
        return SignedOn(name, tuple(x for x in told if isinstance(x, str)))

    def _client(self) -> Any:  # noqa: ANN401 - its library has no types
        return OAuth2Session(
            client_id=self._provider.client_id,
            client_secret=self._secret,
            scope=self._provider.scopes,
            redirect_uri=self._redirect,
            code_challenge_method="S256",
            default_timeout=_TIMEOUT_S,
        )

    def _configuration(self) -> Mapping[str, Any]:
        if self._about is None or self._clock() - self._about[0] > _KEPT_S:
            issuer = self._provider.issuer
            found = self._fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise TransientError(f"{_host(issuer)} names another issuer than openid.issuer", fix="correct it")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                OpenIdProvider.require_private(str(found.get(name)))
            self._about = self._clock(), found
        return self._about[1]

    def _key_set(self) -> KeySet:
        if self._keys is None or self._clock() - self._keys[0] > _KEPT_S:
            document = self._fetched(str(self._configuration()["jwks_uri"]))
            self._keys = self._clock(), KeySet.import_key_set(cast("Any", document))
        return self._keys[1]

    def _fetched(self, url: str) -> Mapping[str, Any]:
        try:
            answer = self._client().get(url, withhold_token=True, allow_redirects=False)
            if answer.status_code != 200 or len(answer.content) > _MOST:
                raise ValueError(f"it answers {answer.status_code}")
            found = answer.json()
        except (RequestException, ValueError) as error:
            raise self._away(error) from error
        return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}

    def _away(self, error: Exception) -> TransientError:
        return TransientError(
            f"the single sign-on at {_host(self._provider.issuer)} does not answer: {type(error).__name__}",
            fix="try again, or open the address that was printed where the console was started",
        )


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
