"""An OpenID provider on loopback that lets everybody in, as somebody it was told, and that errs where a test wants it
to."""

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.kit.ports import free_port

CLIENT = "relay"
SECRET = "a secret of the provider's: & %"


class Fault(StrEnum):
    """What it does wrong."""

    WRONG_NONCE = "wrong_nonce"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_ISSUER = "wrong_issuer"
    ANOTHER_PARTY = "another_party"
    """The token names another client as the one that it was issued for."""
    SEVERAL_AUDIENCES = "several_audiences"
    EXPIRED = "expired"
    ISSUED_LONG_AGO = "issued_long_ago"
    ISSUED_TOMORROW = "issued_tomorrow"
    NO_SUBJECT = "no_subject"
    UNSIGNED = "unsigned"
    """Its algorithm is `none`."""
    SHARED_SECRET = "shared_secret"
    """Signed by the client's secret (HS256)."""
    UNKNOWN_KEY = "unknown_key"
    """Signed by a key that it never shows."""
    FORGED = "forged"
    """Signed by another key of the right name."""
    NO_TOKEN = "no_token"
    WRONG_STATE = "wrong_state"
    DENIED = "denied"
    """The person pressed No."""
    HUGE = "huge"
    """Every answer is."""
    SLOW = "slow"
    """No answer comes."""
    REDIRECTS = "redirects"
    """It answers us with the way to somewhere else."""
    PLAIN_ENDPOINT = "plain_endpoint"
    """It names an endpoint in plain HTTP elsewhere."""
    ANOTHER_NAME = "another_name"
    """It calls itself something else than where it is."""


@dataclass
class _Asked:
    nonce: str
    challenge: str
    back: str


@dataclass
class Provider:
    """One that runs. Tests set what it says of people, and what it does wrong."""

    issuer: str
    subject: str = "ann"
    claims: dict[str, Any] = field(default_factory=dict)
    faults: set[Fault] = field(default_factory=set)
    secret: str | None = SECRET
    asked: list[str] = field(default_factory=list)
    """Paths, in order."""

    def __post_init__(self) -> None:
        self._codes: dict[str, _Asked] = {}
        self.turn_key()

    def turn_key(self) -> None:
        """Sign with another key from now on, and show that alone."""
        self._key = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)

    def settings(self) -> dict[str, object]:
        """Of a server that people sign in to with it."""
        given: dict[str, object] = {"oidc_issuer": self.issuer, "oidc_client_id": CLIENT}
        return given if self.secret is None else {**given, "oidc_client_secret": self.secret}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if Fault.SLOW in self.faults:
            await asyncio.sleep(60)
        if Fault.HUGE in self.faults:
            return web.Response(body=b" " * 10_000_000, content_type="application/json")
        if Fault.REDIRECTS in self.faults:
            return web.Response(status=302, headers={"Location": self.issuer + "/elsewhere"})
        match request.path:
            case "/.well-known/openid-configuration":
                return web.json_response(self._metadata())
            case "/keys":
                return web.json_response({"keys": [self._key.as_dict(private=False)]})
            case "/authorize":
                return self._authorize(request)
            case "/token":
                return await self._exchange(request)
        return web.Response(status=404)

    def _metadata(self) -> dict[str, Any]:
        elsewhere = Fault.PLAIN_ENDPOINT in self.faults
        return {
            "issuer": self.issuer + "/another" if Fault.ANOTHER_NAME in self.faults else self.issuer,
            "authorization_endpoint": self.issuer + "/authorize",
            "token_endpoint": "http://192.0.2.1/token" if elsewhere else self.issuer + "/token",
            "jwks_uri": self.issuer + "/keys",
            "response_types_supported": ["code"],
        }

    def _authorize(self, request: web.Request) -> web.Response:
        query = request.query
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = f"code-{len(self._codes)}"
        self._codes[code] = _Asked(query["nonce"], query["code_challenge"], query["redirect_uri"])
        answer = {"code": code, "state": query["state"]}
        if Fault.WRONG_STATE in self.faults:
            answer["state"] = "another"
        if Fault.DENIED in self.faults:
            answer = {"error": "access_denied", "state": query["state"]}
        return web.Response(status=302, headers={"Location": f"{query['redirect_uri']}?{urlencode(answer)}"})

    async def _exchange(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self._codes.pop(str(form.get("code")), None)
        verifier = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if asked is None or asked.challenge != challenge or asked.back != form.get("redirect_uri"):
            return web.json_response({"error": "invalid_grant"}, status=400)
        if not self._knows(request, str(form.get("client_id"))):
            return web.json_response({"error": "invalid_client"}, status=401)
        if Fault.NO_TOKEN in self.faults:
            return web.json_response({"access_token": "opaque", "token_type": "Bearer"})
        token = self._token(asked.nonce)
        return web.json_response({"access_token": "opaque", "token_type": "Bearer", "id_token": token})

    def _knows(self, request: web.Request, client: str) -> bool:
        if self.secret is None:
            return client == CLIENT and "Authorization" not in request.headers
        name, secret = (_as_in_a_form(each) for each in (CLIENT, self.secret))
        expected = base64.b64encode(f"{name}:{secret}".encode()).decode()
        return request.headers.get("Authorization") == f"Basic {expected}"

    def _token(self, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {"iss": self.issuer, "sub": self.subject, "aud": CLIENT, "nonce": nonce}
        claims |= {"iat": now, "exp": now + 300, **self.claims}
        wrong: dict[Fault, dict[str, Any]] = {
            Fault.WRONG_NONCE: {"nonce": "another"},
            Fault.WRONG_AUDIENCE: {"aud": "another"},
            Fault.WRONG_ISSUER: {"iss": "https://another.example"},
            Fault.ANOTHER_PARTY: {"azp": "another"},
            Fault.SEVERAL_AUDIENCES: {"aud": [CLIENT, "another"]},
            Fault.EXPIRED: {"exp": now - 300},
            Fault.ISSUED_LONG_AGO: {"iat": now - 3_600},
            Fault.ISSUED_TOMORROW: {"iat": now + 86_400},
            Fault.NO_SUBJECT: {"sub": ""},
        }
        for fault in self.faults:
            claims |= wrong.get(fault, {})
        header = {"alg": "ES256", "kid": self._key.kid}
        if Fault.UNSIGNED in self.faults:
            return ".".join((_encoded(b'{"alg":"none"}'), _encoded(repr(claims).replace("'", '"').encode()), ""))
        if Fault.SHARED_SECRET in self.faults:
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(self.secret or SECRET))
        if Fault.UNKNOWN_KEY in self.faults:
            return jwt.encode({"alg": "ES256", "kid": "another"}, claims, ECKey.generate_key("P-256"))
        return jwt.encode(header, claims, ECKey.generate_key("P-256") if Fault.FORGED in self.faults else self._key)


def _as_in_a_form(text: str) -> str:
    return urlencode({"": text})[1:].replace("+", "%20")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@asynccontextmanager
async def provider(**given: Any) -> AsyncIterator[Provider]:
    """One on loopback, until the end of the block."""
    port = free_port()
    one = Provider(issuer=f"http://127.0.0.1:{port}", **given)
    runner = web.ServerRunner(web.Server(one.handle), shutdown_timeout=0.1)  # type: ignore[arg-type]
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield one
    finally:
        await runner.cleanup()
