"""What is encrypted in the database: who has the database and not the server's keys reads nothing of it.

ChaCha20-Poly1305 (RFC 8439). What is sealed is bound to where it belongs, so that nobody can put it elsewhere.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from relay.auth.keys import Keys

NONCE = 12
"""Bytes, before what is sealed. They are random: a key serves for less than 2 to the 32 lines."""


class Sealing:
    """One per server. Its key comes from the pepper, which stays. Safe to use from any thread."""

    def __init__(self, keys: Keys) -> None:
        self._cipher = ChaCha20Poly1305(keys.pseudonym("sealing", b""))

    def seal(self, data: bytes, place: bytes) -> bytes:
        """As it is kept at `place`."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, data, place)

    def unseal(self, sealed: bytes, place: bytes) -> bytes:
        """What it was.

        Raises:
            ValueError: it was sealed with other keys, elsewhere, or changed since.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], place)
        except InvalidTag as cause:
            raise ValueError("this was not sealed here") from cause
