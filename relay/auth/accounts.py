"""Accounts, for who wants one: made and found again by a passkey, or at the operator's own provider.

An account knows nobody's address or name but a nickname that they gave, and carries what they chose and agreed to from
device to device. Who has none is as welcome, unless the operator says otherwise.
"""

import unicodedata
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from relay.auth.attempts import Attempts
from relay.auth.keys import Keys
from relay.auth.oidc import Begun, Identity, Oidc, Registration
from relay.auth.passkeys import Passkeys, Place
from relay.auth.signed_in import Desk, Lasts
from relay.config.people import AccountSettings
from relay.errors import ErrorCode, RelayError
from relay.store.accounts import LARGEST_PREFERENCES, LONGEST_NICKNAME, Account, KeptAccounts, Ways
from relay.store.facts import new_key
from relay.store.passkeys import KeptPasskeys
from relay.store.records import Records
from relay.store.signed_in import KeptSessions
from relay.store.tables import account_passkeys, account_sessions

KIND = "account"
"""What challenges, flows and pseudonyms are for."""
LASTS = 30 * 86_400
"""Seconds that somebody stays signed in."""
UNNAMED = "Account"
"""What an authenticator calls the passkey of somebody without a nickname."""

Preferences = Annotated[
    dict[Annotated[str, Meta(pattern="^[A-Za-z_]{1,32}$")], bool | int | Annotated[str, Meta(max_length=64)]],
    Meta(max_length=32),
]
"""The page's own, by its names."""


@dataclass(frozen=True, slots=True)
class SignedUp:
    """Somebody who may come in now: `token` is for their browser."""

    account: Account
    token: str


class Accounts:
    """One per server where there are accounts. Times are in seconds since 1970."""

    def __init__(self, *, settings: AccountSettings, site: str, keys: Keys, records: Records) -> None:
        """`site` is what authenticators call this place."""
        self.settings = settings
        self._keys = keys
        self._kept = KeptAccounts(records)
        sessions = KeptSessions(records, account_sessions)
        self.desk = Desk(store=sessions, lasts=Lasts(whole=LASTS, idle=LASTS), load=self._kept.find)
        self._passkeys = Passkeys(kind=KIND, site=site, keys=keys, store=KeptPasskeys(records, account_passkeys))
        self._oidc = None if (found := registration(settings)) is None else Oidc(found, keys)
        self._wrong = Attempts()
        self._made = Attempts("Too many accounts were made from your address. Wait a little.")

    async def close(self) -> None:
        """Idempotent."""
        if self._oidc is not None:
            await self._oidc.close()

    async def begin_passkey(
        self, place: Place, account: Account | None, nickname: str | None, now: float
    ) -> tuple[str, bytes]:
        """For whom the passkey will be, somebody new without an `account`, and what the browser is asked."""
        self._check_passkeys()
        owner = new_key() if account is None else account.id
        name = nickname or (account and account.nickname) or UNNAMED
        return owner, await self._passkeys.begin_registration(place, owner, name, now)

    async def add_passkey(self, place: Place, account: Account, answer: bytes, now: float) -> None:
        """One more way in for somebody who is signed in."""
        self._check_passkeys()
        await self._passkeys.finish_registration(place, account.id, answer, now)

    async def make(
        self, place: Place, owner: str, answer: bytes, nickname: str | None, source: str, now: float, before: str | None
    ) -> SignedUp:
        """An account of its own for a new passkey. `source` is the address that asks; `before` what the browser showed
        until now."""
        self._check_passkeys()
        passkey, made = self._passkeys.look_at(place, owner, answer, now)
        self._made.note_wrong(source)
        account = _new(owner, nickname, now)
        if not await self._kept.add(account, passkey, made):
            raise RelayError(ErrorCode.PASSKEY_REFUSED, "This passkey is in use already. Sign in with it.")
        return SignedUp(account, await self.desk.sign_in(owner, now, before))

    async def begin_sign_in(self, place: Place, now: float) -> bytes:
        """What the browser is asked."""
        self._check_passkeys()
        return await self._passkeys.begin_sign_in(place, now)

    async def sign_in(self, place: Place, answer: bytes, source: str, now: float, before: str | None) -> SignedUp:
        """By a passkey."""
        self._check_passkeys()
        try:
            passkey = await self._passkeys.finish_sign_in(place, answer, now)
        except RelayError as error:
            if error.code is ErrorCode.PASSKEY_REFUSED:
                self._wrong.note_wrong(source)
            raise
        account = await self._kept.find(passkey.owner)
        if account is None:
            raise RelayError(ErrorCode.PASSKEY_REFUSED, "The account of this passkey was deleted.")
        return SignedUp(account, await self.desk.sign_in(account.id, now, before))

    async def begin_provider(self, back: str) -> Begun:
        """Send somebody to the provider, and from there to `back`."""
        return await self._provider.begin(KIND, back)

    async def finish_provider(
        self, cookie: str | None, query: dict[str, str], source: str, now: float, before: str | None
    ) -> SignedUp:
        """Somebody who comes from there."""
        try:
            identity = await self._provider.finish(KIND, cookie, query)
        except RelayError as error:
            if error.code is ErrorCode.SIGN_IN_FAILED:
                self._wrong.note_wrong(source)
            raise
        wanted = self.settings.oidc_required_claim
        if wanted is not None and not identity.has(wanted):
            raise RelayError(ErrorCode.NOT_ALLOWED, "Your account there lacks what is needed here.")
        account = await self._kept.of_identity(self._subject(identity), _new(new_key(), None, now))
        return SignedUp(account, await self.desk.sign_in(account.id, now, before))

    async def change(self, account: Account, nickname: str | None, preferences: Preferences) -> None:
        """What they wrote.

        Raises:
            RelayError: INVALID_MESSAGE, it is too long.
        """
        written = msgspec.json.encode(preferences).decode()
        if len(written.encode()) > LARGEST_PREFERENCES:
            raise RelayError(ErrorCode.INVALID_MESSAGE, "These preferences are too long.")
        await self._kept.change(account.id, nickname, written)
        self.desk.forget(account.id)

    async def agree(self, account: Account, rules: str, age: int) -> None:
        """Remember what they agreed to."""
        if (account.rules, account.age) != (rules, age):
            await self._kept.agree(account.id, rules, age)
            self.desk.forget(account.id)

    async def ways(self, account: Account) -> Ways:
        return await self._kept.ways(account.id)

    async def remove(self, account: Account) -> None:
        """With all that is theirs, on every device."""
        await self._kept.remove(account.id)
        self.desk.forget(account.id)

    @property
    def _provider(self) -> Oidc:
        if self._oidc is None:
            raise RelayError(ErrorCode.NOT_FOUND, "There is no provider to sign in at.")
        return self._oidc

    def _check_passkeys(self) -> None:
        if not self.settings.by_passkey:
            raise RelayError(ErrorCode.NOT_FOUND, "Nobody signs in by a passkey here.")

    def _subject(self, identity: Identity) -> str:
        name = msgspec.json.encode((identity.issuer, identity.subject))
        return self._keys.pseudonym("identity", name).hex()


def registration(settings: AccountSettings) -> Registration | None:
    """How the operator's provider knows us; None: there is none."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    scopes = tuple(dict.fromkeys(("openid", *settings.oidc_scopes)))
    return Registration(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, scopes)


def to_nickname(written: str | None) -> str | None:
    """As it is kept; None: they want none.

    Raises:
        RelayError: INVALID_MESSAGE, it can't be shown in a line.
    """
    name = " ".join(unicodedata.normalize("NFC", written or "").split())
    if len(name) > LONGEST_NICKNAME or not name.isprintable():
        raise RelayError(ErrorCode.INVALID_MESSAGE, f"A nickname has at most {LONGEST_NICKNAME} characters.")
    return name or None


def _new(id: str, nickname: str | None, now: float) -> Account:
    return Account(id, nickname, "{}", None, 0, int(now))
