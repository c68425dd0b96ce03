"""Signing in at the operator's own OpenID provider: the authorization code with PKCE (OpenID Connect Core 1.0, RFC
7636, RFC 9700).

Nothing is kept of who is on the way there and back. State, nonce and PKCE's verifier are made of what the browser's
cookie holds and of the server's key: nobody can make a cookie that fits an answer, however many are asked for there is
nothing to fill up, and the answer may come to another server with the same keys.

No request goes anywhere but to the provider: by HTTPS, or in plain HTTP to this machine itself; no redirect is
followed, and an answer is bounded in size and time.
"""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import msgspec

from relay import clock
from relay.auth.id_token import KeySet, TokenError, UnknownKeyError, check
from relay.auth.keys import Keys
from relay.config.addresses import is_safe
from relay.errors import ErrorCode, RelayError
from relay.observe.logs.logging import get_logger

LIFETIME = 600
"""Seconds that somebody may take to sign in there."""
LARGEST = 256 * 1024
"""Bytes of an answer."""
TIMEOUT = 5.0
"""Seconds for an answer, with the wait for a connection."""
CONNECTIONS = 8
"""To the provider, at the same time."""
FRESH = 3_600.0
"""Seconds that what the provider says of itself, and its keys, are believed."""
PAUSE = 10.0
"""Seconds between two times that it is asked for them when they were not of use."""
LONGEST_ANSWER = 4_096
"""Characters of a code."""
SEED = 16
"""Bytes of chance in a cookie."""

WELL_KNOWN = "/.well-known/openid-configuration"

log = get_logger("oidc")

Kind = TypeVar("Kind")


class ProviderError(Exception):
    """What the provider did, for the operator."""


class Metadata(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False
    """RFC 9207."""


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


class _Refusal(msgspec.Struct, frozen=True):
    error: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """How the provider knows us."""

    issuer: str
    client: str
    secret: str | None = None
    scopes: tuple[str, ...] = ("openid",)


@dataclass(frozen=True, slots=True)
class Begun:
    """Somebody who is sent to the provider."""

    url: str
    cookie: str
    """Has to come back with them, within `LIFETIME` seconds."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is there."""

    issuer: str
    subject: str
    claims: Mapping[str, Any]

    def values(self, name: str) -> frozenset[str]:
        """Of a claim, as text: of a list each one, of what is true `true`. `name` may lead into a claim, such as
        `realm_access.roles`."""
        found: Any = self.claims.get(name)
        if found is None:
            found = self.claims
            for part in name.split("."):
                found = found.get(part) if isinstance(found, Mapping) else None
        return frozenset(_text(each) for each in (found if isinstance(found, list) else [found]) if each is not None)

    def has(self, required: str) -> bool:
        """Whether a claim is as required: `name=value`, or `name` alone for one that is true."""
        name, separator, value = required.partition("=")
        return (value if separator else "true") in self.values(name)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Oidc:
    """One per provider. Nothing is asked of it before somebody wants to sign in."""

    def __init__(self, registration: Registration, keys: Keys) -> None:
        self._registration = registration
        self._own_keys = keys
        self._client: aiohttp.ClientSession | None = None
        self._asking = asyncio.Lock()
        self._metadata = _Kept[Metadata]()
        self._keys = _Kept[KeySet]()

    async def close(self) -> None:
        """Idempotent."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def begin(self, purpose: str, back: str) -> Begun:
        """Send somebody there. `purpose` says for what they sign in: the answer is of use for nothing else. `back` is
        the URL that they come back to; the provider has to know it.

        Raises:
            RelayError: PROVIDER_AWAY.
        """
        metadata = await self.discover()
        expires = int(clock.unix()) + LIFETIME
        cookie = ".".join((secrets.token_urlsafe(SEED), str(expires), _encoded(back.encode())))
        asked = {
            "response_type": "code",
            "client_id": self._registration.client,
            "redirect_uri": back,
            "scope": " ".join(self._registration.scopes),
            "state": self._derived("state", purpose, cookie),
            "nonce": self._derived("nonce", purpose, cookie),
            "code_challenge": _encoded(hashlib.sha256(self._derived("verifier", purpose, cookie).encode()).digest()),
            "code_challenge_method": "S256",
        }
        separator = "&" if "?" in metadata.authorization_endpoint else "?"
        return Begun(f"{metadata.authorization_endpoint}{separator}{urlencode(asked, quote_via=quote)}", cookie)

    async def finish(self, purpose: str, cookie: str | None, answer: Mapping[str, str]) -> Identity:
        """Somebody who comes back. `answer` is the query that they bring.

        Raises:
            RelayError: SIGN_IN_FAILED, SIGN_IN_REFUSED or PROVIDER_AWAY.
        """
        try:
            back = self._recognise(purpose, cookie, answer)
            metadata = await self.discover()
            if answer.get("iss", metadata.issuer) != metadata.issuer or (
                metadata.authorization_response_iss_parameter_supported and "iss" not in answer
            ):
                raise TokenError("the answer is not this provider's (iss)")
            if "error" in answer:
                raise _refused(answer["error"])
            token = await self._exchange(metadata, answer["code"], back, self._derived("verifier", purpose, cookie))
            claims = await self._check(metadata, token, self._derived("nonce", purpose, cookie))
        except TokenError as cause:
            log.warning("sign_in_failed", cause=str(cause))
            raise RelayError(ErrorCode.SIGN_IN_FAILED, "Signing in did not work. Try once more.") from cause
        return Identity(metadata.issuer, claims["sub"], claims)

    async def discover(self) -> Metadata:
        """What the provider says of itself.

        Raises:
            RelayError: PROVIDER_AWAY; the cause says why.
        """
        try:
            async with self._asking:
                return await self._metadata.get(self._read_metadata, lambda _: True)
        except ProviderError as cause:
            raise _away(cause) from cause

    def _derived(self, what: str, purpose: str, cookie: str | None) -> str:
        return _encoded(self._own_keys.sign(f"oidc {what} for {purpose}", (cookie or "").encode()))

    def _recognise(self, purpose: str, cookie: str | None, answer: Mapping[str, str]) -> str:
        """Where they were to come back to, if they are who was sent."""
        if cookie is None:
            raise TokenError("the browser brings no cookie of having been sent to the provider")
        if not secrets.compare_digest(
            answer.get("state", "").encode(), self._derived("state", purpose, cookie).encode()
        ):
            raise TokenError("the answer is to no request of this browser (state)")
        _, expires, back = cookie.split(".")
        if clock.unix() > int(expires):
            raise TokenError("it took too long")
        if not 0 < len(answer.get("code", "")) <= LONGEST_ANSWER and "error" not in answer:
            raise TokenError("the answer has no code")
        return base64.urlsafe_b64decode(back + "==").decode()

    async def _exchange(self, metadata: Metadata, code: str, back: str, verifier: str) -> str:
        """The ID token for a code."""
        registration = self._registration
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        headers = {}
        if registration.secret is None:
            form["client_id"] = registration.client
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # Both are encoded as in a form before (RFC 6749, section 2.3.1).
            name, secret = (quote(each, safe="") for each in (registration.client, registration.secret))
            headers["Authorization"] = aiohttp.encode_basic_auth(name, secret)
        else:
            form |= {"client_id": registration.client, "client_secret": registration.secret}
        try:
            status, body = await self._ask("POST", metadata.token_endpoint, headers, form)
            if status in (400, 401):
                raise TokenError(f"the provider gave no token: {_word(_read(body, _Refusal).error)}")
            if status != 200:
                raise ProviderError(f"{metadata.token_endpoint} answered with {status}")
            return _read(body, _Tokens).id_token
        except ProviderError as cause:
            raise _away(cause) from cause

    async def _check(self, metadata: Metadata, token: str, nonce: str) -> dict[str, Any]:
        def checked(keys: KeySet) -> dict[str, Any]:
            client, issuer = self._registration.client, metadata.issuer
            return check(token, keys, issuer=issuer, client=client, nonce=nonce, now=clock.unix())

        def is_of_use(keys: KeySet) -> bool:
            try:
                checked(keys)
            except UnknownKeyError:
                return False
            except TokenError:
                pass  # newer keys would not help
            return True

        try:
            async with self._asking:
                keys = await self._keys.get(lambda: self._read_keys(metadata.jwks_uri), is_of_use)
        except ProviderError as cause:
            raise _away(cause) from cause
        return checked(keys)

    async def _read_metadata(self) -> Metadata:
        issuer = self._registration.issuer
        found = await self._get(issuer.rstrip("/") + WELL_KNOWN, Metadata)
        if found.issuer != issuer:
            raise ProviderError(f"it calls itself {found.issuer[:200]!r}, and RELAY_OIDC_ISSUER is {issuer!r}")
        for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            if not is_safe(url):
                raise ProviderError(f"{url[:200]!r} is not an address by HTTPS")
        return found

    async def _read_keys(self, url: str) -> KeySet:
        status, body = await self._ask("GET", url)
        if status != 200:
            raise ProviderError(f"{url} answered with {status}")
        try:
            return KeySet(body)
        except ValueError as cause:
            raise ProviderError(f"{url} has no keys that can be used") from cause

    async def _get(self, url: str, kind: type[Kind]) -> Kind:
        status, body = await self._ask("GET", url)
        if status != 200:
            raise ProviderError(f"{url} answered with {status}")
        try:
            return _read(body, kind)
        except ProviderError as cause:
            raise ProviderError(f"{url}: {cause}") from cause

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        if not is_safe(url):
            raise ProviderError(f"{url[:200]!r} is not an address by HTTPS")
        if self._client is None:
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                auto_decompress=False,  # nothing small is to become large here
            )
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        body = bytearray()
        try:
            async with self._client.request(method, url, headers=sent, data=form, allow_redirects=False) as answer:
                async for part in answer.content.iter_chunked(LARGEST):
                    body += part
                    if len(body) > LARGEST:
                        answer.close()
                        raise ProviderError(f"{url} answers with more than {LARGEST} bytes")
                return answer.status, bytes(body)
        except TimeoutError as cause:
            raise ProviderError(f"{url} did not answer in {TIMEOUT:.0f} s") from cause
        except (aiohttp.ClientError, OSError) as cause:
            raise ProviderError(f"{url} can't be reached: {type(cause).__name__}: {str(cause)[:200]}") from cause


class _Kept(Generic[Kind]):
    """What the provider was asked for, until it is old or of no use. Then it is asked again, and not at once if that
    was of no use either."""

    def __init__(self) -> None:
        self._value: Kind | None = None
        self._read_at = self._tried_at = -FRESH
        self._failure: str | None = None

    async def get(self, read: Callable[[], Awaitable[Kind]], is_of_use: Callable[[Kind], bool]) -> Kind:
        """What there is, or what `read` gives. Where that fails the old one goes on to be believed.

        Raises:
            ProviderError: there is none.
        """
        now = clock.monotonic()
        value = self._value
        if value is not None and now - self._read_at < FRESH and is_of_use(value):
            return value
        if now - self._tried_at >= PAUSE:
            self._tried_at = now
            try:
                value = self._value = await read()
            except ProviderError as cause:
                self._failure = str(cause)
            else:
                self._read_at, self._failure = now, None
        if value is None:
            raise ProviderError(self._failure or "it does not answer")
        return value


def _read(body: bytes, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise ProviderError(f"the answer is not as it should be: {str(cause)[:200]}") from cause


def _refused(error: str) -> RelayError:
    log.info("sign_in_refused", error=_word(error))
    return RelayError(ErrorCode.SIGN_IN_REFUSED, "You were not signed in there.")


def _away(cause: ProviderError) -> RelayError:
    log.warning("sign_in_failed", cause=str(cause))
    return RelayError(ErrorCode.PROVIDER_AWAY, "Signing in there does not work at the moment. Try again later.")


def _word(error: str) -> str:
    """An error code of OAuth, for the log (RFC 6749, section 4.1.2.1)."""
    return "".join(each for each in error[:64] if each.isascii() and (each.isalnum() or each == "_"))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
