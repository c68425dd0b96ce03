"""Passkeys: how one is made and how somebody signs in by it (Web Authentication, level 3), for staff and accounts.

It owns what is asked and what is believed, and keeps nothing: passkeys are in the store, by `PasskeyStore`. What a
browser has to sign, the challenge, holds when it was made and our tag, so that a stranger who begins ten thousand
ceremonies takes no room of anybody's, and any server that has the keys can finish what another began. A challenge
counts once: the store takes a passkey's next use only for a challenge that is younger than the latest it was used with,
and takes a new passkey only once.
"""

import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from relay.auth.keys import Keys
from relay.errors import ErrorCode, RelayError
from relay.store.passkeys import Passkey

PATIENCE = 120.0
"""Seconds that a person has between being asked and the answer: time to look for a key and type its PIN."""
EARLY = 5.0
"""Seconds by which another server's clock may be ahead."""

LARGEST_ANSWER = 16 * 1024
"""Bytes of a browser's answer. One has about 1 kB; a long credential's id and an attestation that nobody asked for come
on top."""
LONGEST_ID = 1_023
"""Bytes of a credential's id (Web Authentication, section 5.8.3)."""
LARGEST_KEY = 2_048
"""Bytes of a public key; RSA of 4096 bits has about 530."""

_MADE = struct.Struct(">Q")
_RANDOM = 16
_TAG = 32
_CHALLENGE = _MADE.size + _RANDOM + _TAG

REFUSED = "This passkey was not accepted. Try again."


@dataclass(frozen=True, slots=True)
class Place:
    """Where our page is, as the browser sees it. A passkey belongs to the host, whatever the port."""

    host: str
    origin: str
    """As browsers write it: `https://relay.example`, with the port unless it is the scheme's own."""


class PasskeyStore(Protocol):
    """Where passkeys of one kind of people are kept. Each method raises `RelayError` if the store is away."""

    async def passkey(self, id: bytes) -> Passkey | None:
        """By the credential's id."""

    async def passkeys_of(self, owner: str) -> Sequence[Passkey]:
        """All that somebody has."""

    async def add_passkey(self, passkey: Passkey, made: int) -> bool:
        """False if one of this id is there already, and then nothing changes. `made` is as for `use_passkey`."""

    async def use_passkey(self, id: bytes, signed: int, made: int) -> bool:
        """Note a use: the new counter, and when the challenge was made, in microseconds since 1970.

        False, and nothing changes, unless the challenge is younger than the latest that was used and the counter has
        not gone back meanwhile. One statement decides, so that of two uses at once one counts.
        """


class Passkeys:
    """The ceremonies of one kind of people: a challenge made for staff is worth nothing for accounts."""

    def __init__(self, *, kind: str, site: str, keys: Keys, store: PasskeyStore) -> None:
        """`kind` is `staff` or `account`; `site` is what the browser calls us when it asks the person."""
        self._kind = kind
        self._site = site
        self._keys = keys
        self._store = store

    async def begin_registration(self, place: Place, owner: str, name: str, now: float) -> bytes:
        """What the page gives to `navigator.credentials.create`, in JSON. `name` is shown by the authenticator; `now`
        is in seconds since 1970.

        The caller makes sure that whoever asks is `owner`.
        """
        known = await self._store.passkeys_of(owner)
        options = generate_registration_options(
            rp_id=place.host,
            rp_name=self._site,
            user_id=owner.encode(),
            user_name=name,
            challenge=self._challenge("make", owner, now),
            timeout=int(PATIENCE * 1_000),
            authenticator_selection=AuthenticatorSelectionCriteria(
                # It is found without a name, so that a page that asks for one tells nobody who is here.
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=passkey.id) for passkey in known],
        )
        return options_to_json(options).encode()

    async def finish_registration(self, place: Place, owner: str, answer: bytes, now: float) -> Passkey:
        """Keep the passkey that the browser made: `answer` is the credential's `toJSON()`.

        Raises:
            RelayError: PASSKEY_REFUSED, or the store is away.
        """
        passkey, made = self.look_at(place, owner, answer, now)
        if not await self._store.add_passkey(passkey, made):
            raise _refused()
        return passkey

    def look_at(self, place: Place, owner: str, answer: bytes, now: float) -> tuple[Passkey, int]:
        """The passkey that the browser made, and when its challenge was made, for who keeps them together with
        something else.

        Raises:
            RelayError: PASSKEY_REFUSED.
        """
        challenge, made = self._believed("make", owner, answer, now)
        try:
            verified = verify_registration_response(
                credential=answer.decode(),
                expected_challenge=challenge,
                expected_rp_id=place.host,
                expected_origin=place.origin,
                require_user_verification=True,
            )
        except Exception as cause:
            # The library has a dozen errors, and strangers' bytes find more in what it builds on.
            raise _refused() from cause
        passkey = Passkey(verified.credential_id, owner, verified.credential_public_key, verified.sign_count)
        if len(passkey.id) > LONGEST_ID or len(passkey.public_key) > LARGEST_KEY:
            raise _refused()
        return passkey, made

    async def begin_sign_in(self, place: Place, now: float, owner: str = "") -> bytes:
        """What the page gives to `navigator.credentials.get`, in JSON. With an `owner`, nobody else's passkey will do:
        for somebody who is signed in and is to show that it is still them."""
        known = await self._store.passkeys_of(owner) if owner else ()
        options = generate_authentication_options(
            rp_id=place.host,
            challenge=self._challenge("use", owner, now),
            timeout=int(PATIENCE * 1_000),
            allow_credentials=[PublicKeyCredentialDescriptor(id=passkey.id) for passkey in known],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options).encode()

    async def finish_sign_in(self, place: Place, answer: bytes, now: float, owner: str = "") -> Passkey:
        """Whose passkey signed: `answer` is the credential's `toJSON()`.

        Raises:
            RelayError: PASSKEY_REFUSED, whatever the reason, or the store is away.
        """
        challenge, made = self._believed("use", owner, answer, now)
        passkey = await self._store.passkey(_credential_of(answer))
        if passkey is None or owner not in ("", passkey.owner):
            raise _refused()
        try:
            verified = verify_authentication_response(
                credential=answer.decode(),
                expected_challenge=challenge,
                expected_rp_id=place.host,
                expected_origin=place.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.signed,
                require_user_verification=True,
            )
        except Exception as cause:
            raise _refused() from cause
        if not await self._store.use_passkey(passkey.id, verified.new_sign_count, made):
            raise _refused()
        return passkey

    def _challenge(self, step: str, owner: str, now: float) -> bytes:
        fresh = _MADE.pack(int(now * 1e6)) + secrets.token_bytes(_RANDOM)
        return fresh + self._keys.sign(self._purpose(step), fresh + owner.encode())

    def _believed(self, step: str, owner: str, answer: bytes, now: float) -> tuple[bytes, int]:
        """The challenge that was signed, if we made it, for this, and not long ago; and when, in microseconds."""
        challenge = _challenge_of(answer)
        if len(challenge) != _CHALLENGE:
            raise _refused()
        fresh, tag = challenge[:-_TAG], challenge[-_TAG:]
        if not self._keys.check(self._purpose(step), fresh + owner.encode(), tag):
            raise _refused()
        made: int = _MADE.unpack_from(fresh)[0]
        if not -EARLY <= now - made / 1e6 <= PATIENCE:
            raise _refused()
        return challenge, made

    def _purpose(self, step: str) -> str:
        return f"passkey {self._kind} {step}"


class _Response(msgspec.Struct, frozen=True):
    """Of a credential, as far as it is read here; the library reads the rest."""

    client_data: str = msgspec.field(name="clientDataJSON")


class _Credential(msgspec.Struct, frozen=True):
    raw_id: str = msgspec.field(name="rawId")
    response: _Response


class _ClientData(msgspec.Struct, frozen=True):
    """What the browser says that it signed."""

    challenge: str


def _challenge_of(answer: bytes) -> bytes:
    try:
        response = _read(answer).response
        data = msgspec.json.decode(base64url_to_bytes(response.client_data), type=_ClientData)
        return base64url_to_bytes(data.challenge)
    except (ValueError, msgspec.DecodeError) as cause:
        raise _refused() from cause


def _credential_of(answer: bytes) -> bytes:
    try:
        id = base64url_to_bytes(_read(answer).raw_id)
    except ValueError as cause:
        raise _refused() from cause
    if len(id) > LONGEST_ID:
        raise _refused()
    return id


def _read(answer: bytes) -> _Credential:
    if len(answer) > LARGEST_ANSWER:
        raise _refused()
    try:
        return msgspec.json.decode(answer, type=_Credential)
    except (ValueError, msgspec.DecodeError) as cause:
        raise _refused() from cause


def _refused() -> RelayError:
    return RelayError(ErrorCode.PASSKEY_REFUSED, REFUSED)
