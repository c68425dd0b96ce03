"""An authenticator in software: makes passkeys and signs by them as a browser would, rightly or wrongly."""

import base64
import hashlib
import json
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from relay.store.passkeys import Passkey

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def encoded(raw: bytes) -> str:
    """As it stands in JSON (RFC 4648, section 5, without padding)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """Holds one passkey, once it was asked for one. `origin` is the page's; what is set otherwise is a lie."""

    origin: str
    host: str = ""
    """That is signed for; empty: the one that is asked for."""
    flags: int = PRESENT | VERIFIED
    counter: int = 0
    """0 stays 0, as passkeys that wander between devices do."""
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user: bytes = b""

    def create(self, options: bytes) -> bytes:
        """What `navigator.credentials.create` gives, in JSON."""
        asked = json.loads(options)
        self.user = _decoded(asked["user"]["id"])
        client_data = self._client_data("webauthn.create", asked["challenge"])
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(cose)
        data = self._data(asked["rp"]["id"], ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._credential({"clientDataJSON": encoded(client_data), "attestationObject": encoded(attestation)})

    def get(self, options: bytes) -> bytes:
        """What `navigator.credentials.get` gives, in JSON."""
        asked = json.loads(options)
        client_data = self._client_data("webauthn.get", asked["challenge"])
        data = self._data(asked["rpId"], 0)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            {
                "clientDataJSON": encoded(client_data),
                "authenticatorData": encoded(data),
                "signature": encoded(signature),
                "userHandle": encoded(self.user),
            }
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _data(self, host: str, more: int) -> bytes:
        if self.counter:
            self.counter += 1
        return hashlib.sha256((self.host or host).encode()).digest() + struct.pack(
            ">BI", self.flags | more, self.counter
        )

    def _credential(self, response: dict[str, Any]) -> bytes:
        id = encoded(self.id)
        said = {"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {}}
        return json.dumps(said).encode()


class PasskeysInMemory:
    """A `PasskeyStore` for tests of what is above the store."""

    def __init__(self) -> None:
        self.kept: dict[bytes, Passkey] = {}
        self.made: dict[bytes, int] = {}

    async def passkey(self, id: bytes) -> Passkey | None:
        return self.kept.get(id)

    async def passkeys_of(self, owner: str) -> Sequence[Passkey]:
        return [passkey for passkey in self.kept.values() if passkey.owner == owner]

    async def add_passkey(self, passkey: Passkey, made: int) -> bool:
        if passkey.id in self.kept:
            return False
        self.kept[passkey.id], self.made[passkey.id] = passkey, made
        return True

    async def use_passkey(self, id: bytes, signed: int, made: int) -> bool:
        passkey = self.kept.get(id)
        if passkey is None or made <= self.made[id] or (passkey.signed and signed <= passkey.signed):
            return False
        self.kept[id], self.made[id] = replace(passkey, signed=signed), made
        return True


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "===")
