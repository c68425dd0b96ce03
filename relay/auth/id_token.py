"""The ID token that a provider issues, and the keys that it is checked with (OpenID Connect Core 1.0, section 3.1.3.7).

A signature counts by a key that the provider shows, of an algorithm with two halves: a shared secret (HS256) would let
anyone who knows the client's secret can write tokens, and `none` is no signature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey
from msgspec import Meta

FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519"), "OKP"),
}
"""Algorithms that are taken, and the kind of key that each needs."""

LEEWAY = 60
"""Seconds by which two clocks may differ."""
OLDEST = 600
"""Seconds since a token was issued: it comes straight from the provider."""
MOST_KEYS = 32
"""Of a provider. There are two while they take turns."""
LONGEST_SUBJECT = 255
"""Characters (section 2)."""


class TokenError(Exception):
    """Why a token is not taken, for the operator: nothing of what is in it."""


class UnknownKeyError(TokenError):
    """It is signed by a key that was not seen yet. There may be a new one."""


class _Document(msgspec.Struct, frozen=True):
    keys: tuple[dict[str, Any], ...]


class _Required(msgspec.Struct, frozen=True):
    """Claims that have to be there, with their types."""

    iss: str
    sub: Annotated[str, Meta(min_length=1, max_length=LONGEST_SUBJECT)]
    aud: str | list[str]
    exp: float
    iat: float
    nonce: str
    azp: str | None = None


@dataclass(frozen=True, slots=True)
class _Shown:
    kid: str | None
    algorithm: str | None
    family: str
    key: RSAKey | ECKey | OKPKey


class KeySet:
    """What a provider shows as its keys (RFC 7517). Those that are not for signatures, or not understood, are left
    out."""

    def __init__(self, document: bytes) -> None:
        """
        Raises:
            ValueError: it is no set of keys, or holds none that can be used.
        """
        found = msgspec.json.decode(document, type=_Document).keys[:MOST_KEYS]
        self._keys = tuple(shown for each in found if (shown := _shown(each)) is not None)
        if not self._keys:
            raise ValueError("no key in it is for signatures")

    def find(self, kid: str | None, algorithm: str) -> RSAKey | ECKey | OKPKey:
        """The one that a token names. It may name none where there is one alone.

        Raises:
            UnknownKeyError: there is no such key.
        """
        found = [
            shown.key
            for shown in self._keys
            if kid in (None, shown.kid) and shown.algorithm in (None, algorithm) and shown.family == FAMILIES[algorithm]
        ]
        if len(found) != 1:
            raise UnknownKeyError("the ID token is signed by a key that the provider does not show")
        return found[0]


def _shown(written: dict[str, Any]) -> _Shown | None:
    if written.get("kty") not in FAMILIES.values() or written.get("use", "sig") != "sig":
        return None
    try:
        key = JWKRegistry.import_key(written)
    except (JoseError, ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, RSAKey | ECKey | OKPKey) or key.is_private:
        return None
    return _Shown(written.get("kid"), written.get("alg"), key.key_type, key)


def check(token: str, keys: KeySet, *, issuer: str, client: str, nonce: str, now: float) -> dict[str, Any]:
    """The claims of a token that was issued for us, now, in answer to our request.

    Raises:
        TokenError: it was not.
    """
    algorithm, kid = _header(token)
    try:
        claims = jwt.decode(token, keys.find(kid, algorithm), algorithms=[algorithm]).claims
        registry = jwt.JWTClaimsRegistry(
            now=int(now),
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client},
            nonce={"essential": True, "value": nonce},
        )
        registry.validate(claims)
        required = msgspec.convert(claims, _Required)
    except (JoseError, ValueError, msgspec.ValidationError) as cause:
        raise TokenError(f"the ID token is not right: {_in_words(cause)}") from cause
    if isinstance(required.aud, list) and len(required.aud) > 1 and required.azp is None:
        raise TokenError("the ID token is for several, and does not say for whom it was issued (azp)")
    if required.azp not in (None, client):
        raise TokenError("the ID token was issued for another client (azp)")
    if required.iat < now - OLDEST - LEEWAY:
        raise TokenError("the ID token was issued long ago (iat)")
    return claims


def _header(token: str) -> tuple[str, str | None]:
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as cause:
        raise TokenError("what came as the ID token is none") from cause
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in FAMILIES:
        raise TokenError("the ID token is signed by an algorithm that is not taken")
    return algorithm, kid if isinstance(kid, str) else None


def _in_words(cause: Exception) -> str:
    """Names of claims and what is wrong with them; no value is among it."""
    if isinstance(cause, msgspec.ValidationError):
        return "a claim is missing or of another type"
    return str(cause)[:200] or type(cause).__name__
