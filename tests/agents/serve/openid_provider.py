"""A small OpenID provider on this machine: real keys, real tokens, codes that are good once, PKCE that is checked."""

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT, SECRET = "twinops", "a-secret-of-the-client"


class Provider:
    """Logs everybody in as `person` at once. `spoil` changes the claims or the way they are signed."""

    def __init__(self):
        self.person = {"sub": "1", "preferred_username": "ada", "groups": ["noc"]}
        self.spoil = lambda claims: claims
        self.keys = [RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})]
        self.signer, self.alg = self.keys[0], "RS256"
        self.codes, self.asked, self.issuer = {}, [], ""

    def turn_keys(self):
        """Sign with a new key from now on, and publish only that."""
        key = ECKey.generate_key("P-256", {"kid": "second", "use": "sig"})
        self.keys, self.signer, self.alg = [key], key, "ES256"

    def shared_secret(self):
        """Sign with the text of the public key as a shared secret: the oldest trick there is."""
        text = json.dumps(self.keys[0].as_dict(private=False))
        self.signer, self.alg = OctKey.import_key(text), "HS256"

    def authorize(self, query):
        """The address that a browser is sent back to."""
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        self.asked.append(query)
        sent = {"code": code, "state": query["state"], "iss": self.issuer}
        return f"{query['redirect_uri']}?{urlencode(sent)}"

    def token(self, form, authorization):
        """The answer to a code, or None."""
        asked = self.codes.pop(form.get("code", ""), None)
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or authorization != f"Basic {known}" or asked["code_challenge_method"] != "S256":
            return None
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return None
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        header = {"alg": self.alg, "kid": getattr(self.signer, "kid", None) or "first"}
        signed = jwt.encode(header, self.spoil(claims | self.person), self.signer, algorithms=[self.alg])
        return {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": signed}


@contextmanager
def provider():
    """Yield a provider that answers on a port of this machine."""
    found = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlsplit(self.path)
            query = {k: v[0] for k, v in parse_qs(url.query).items()}
            if url.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", found.authorize(query))
                self.end_headers()
                return
            known = {
                "/.well-known/openid-configuration": {
                    "issuer": found.issuer,
                    "authorization_endpoint": f"{found.issuer}/authorize",
                    "token_endpoint": f"{found.issuer}/token",
                    "jwks_uri": f"{found.issuer}/keys",
                },
                "/keys": {"keys": [x.as_dict(private=False) for x in found.keys]},
            }
            self.answer(200 if url.path in known else 404, known.get(url.path, {}))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {k: v[0] for k, v in parse_qs(body).items()}
            told = found.token(form, self.headers.get("Authorization"))
            self.answer(200 if told else 400, told or {"error": "invalid_grant"})

        def answer(self, status, content):
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
