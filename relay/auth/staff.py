"""The staff: who is on it, how they come in, and what is noted of it.

Somebody is let in by a link that counts once and for half an hour. By it their browser makes a passkey, and with that
they sign in from then on. Whatever is changed here is an entry of the audit log, written in the same transaction.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from relay.auth import scopes
from relay.auth.attempts import Attempts
from relay.auth.audit import Audit
from relay.auth.keys import Keys
from relay.auth.passkeys import Passkeys, Place
from relay.auth.scopes import Role, Scope
from relay.auth.signed_in import Desk, Known, Lasts
from relay.errors import ErrorCode, RelayError
from relay.observe.logs.logging import get_logger
from relay.store import staff as kept
from relay.store.facts import new_key
from relay.store.passkeys import KeptPasskeys
from relay.store.records import Records
from relay.store.signed_in import KeptSessions
from relay.store.staff import KeptStaff, Member
from relay.store.tables import staff_passkeys, staff_sessions

LINK = 32
"""Random bytes of a link."""
LONGEST_LINK = 64
"""Characters of one that is looked up."""
LINK_LASTS = 30 * 60
"""Seconds."""
FRESH = 5 * 60
"""Seconds after which somebody who does what is grave shows once more that it is them."""
IDLE = 60 * 60
"""Seconds after which somebody who has closed the console is signed out."""
LONGEST_NAME = 64
"""Characters."""

RESERVED = (scopes.OPERATOR.name, scopes.METRICS.name, "command line")
"""How names begin that stand for nobody on the staff: tokens, and people at the command line."""

SPENT = "This link was used, or its time is over. Ask for another."

log = get_logger("staff")


@dataclass(frozen=True, slots=True)
class Colleague:
    """One of the staff, as far as it matters for what they may."""

    id: str
    name: str
    roles: tuple[Role, ...]

    @property
    def scopes(self) -> frozenset[Scope]:
        return scopes.scopes_of(self.roles)


class Staff:
    """One per server. Times are in seconds since 1970. Methods raise RelayError if there is no database, or it does
    not answer."""

    def __init__(
        self, *, store: KeptStaff, passkeys: Passkeys, desk: Desk[Colleague], audit: Audit, attempts: Attempts
    ) -> None:
        self._store = store
        self._passkeys = passkeys
        self._desk = desk
        self._audit = audit
        self._attempts = attempts

    # Who comes.

    async def know(self, token: str | None, now: float) -> Known[Colleague] | None:
        """Who shows this token; None if nobody is signed in by it."""
        return await self._desk.know(token, now)

    def remembers(self, token: str | None, now: float) -> bool:
        """Whether somebody is known by this token without asking the store."""
        return self._desk.remembers(token, now)

    async def begin_sign_in(self, place: Place, now: float) -> bytes:
        """What the browser is asked, in JSON."""
        return await self._passkeys.begin_sign_in(place, now)

    async def sign_in(
        self, *, place: Place, answer: bytes, source: str, shown: str | None, now: float
    ) -> tuple[str, Known[Colleague]]:
        """The token of who signed. `source` is the address that asks, `shown` the token that the browser had.

        Raises:
            RelayError: PASSKEY_REFUSED, RATE_LIMITED.
        """
        try:
            passkey = await self._passkeys.finish_sign_in(place, answer, now)
        except RelayError as error:
            self._heed(error, source)
            raise
        return await self._come_in(passkey.owner, source, shown, now)

    async def begin_again(self, place: Place, known: Known[Colleague], now: float) -> bytes:
        """What the browser of somebody who is signed in is asked, so that they show that it is still them."""
        return await self._passkeys.begin_sign_in(place, now, known.person.id)

    async def again(
        self, *, place: Place, answer: bytes, known: Known[Colleague], source: str, token: str, now: float
    ) -> str:
        """Another token, for who has shown it.

        Raises:
            RelayError: PASSKEY_REFUSED, RATE_LIMITED.
        """
        try:
            await self._passkeys.finish_sign_in(place, answer, now, known.person.id)
        except RelayError as error:
            self._heed(error, source)
            raise
        return await self._desk.show(token, known, now)

    async def sign_out(self, token: str, known: Known[Colleague], *, everywhere: bool) -> None:
        """Here, or wherever they are signed in."""
        if everywhere:
            await self._desk.sign_out_everywhere(known.person.id)
        else:
            await self._desk.sign_out(token)
        what = "signed_out_everywhere" if everywhere else "signed_out"
        await self._audit.note(known.person.name, what)

    # How somebody comes in for the first time.

    async def begin_enrolment(self, *, place: Place, link: str, source: str, now: float) -> tuple[Colleague, bytes]:
        """Whom the link is for, and what their browser is asked, in JSON.

        Raises:
            RelayError: LINK_SPENT, RATE_LIMITED.
        """
        member = await self._of_link(link, source, now)
        asked = await self._passkeys.begin_registration(place, member.id, member.name, now)
        return _colleague(member), asked

    async def enrol(
        self, *, place: Place, link: str, answer: bytes, source: str, shown: str | None, now: float
    ) -> tuple[str, Known[Colleague]]:
        """Keep the passkey that was made, and sign its person in.

        Raises:
            RelayError: LINK_SPENT, PASSKEY_REFUSED, RATE_LIMITED.
        """
        member = await self._of_link(link, source, now)
        try:
            passkey, made = self._passkeys.look_at(place, member.id, answer, now)
        except RelayError as error:
            self._heed(error, source)
            raise
        hash = hash_of(link)
        await self._audit.do(
            lambda connection: kept.enrol(connection, link=hash, now=int(now), passkey=passkey, made=made),
            who=member.name,
            what="passkey_added",
            subject=member.name,
        )
        return await self._come_in(member.id, source, shown, now)

    # Who is on the staff.

    async def all(self) -> Sequence[Member]:
        return await self._store.all()

    async def invite(self, by: str, name: str, roles: Sequence[Role], now: float) -> str:
        """Let somebody in; gives the link's secret part.

        Raises:
            RelayError: NAME_TAKEN, INVALID_MESSAGE: that is no name.
        """
        name = name_of(name)
        member = Member(new_key(), name, scopes.write(roles), int(now))
        link = new_link()
        await self._audit.do(
            lambda connection: kept.let_in(connection, member, hash_of(link), int(now) + LINK_LASTS),
            who=by,
            what="staff_added",
            subject=name,
            detail={"roles": member.roles},
        )
        return link

    async def open_link(self, by: str, id: str, now: float) -> str:
        """Another link, for another device or a lost one; gives its secret part.

        Raises:
            RelayError: NOT_FOUND.
        """
        member = await self._find(id)
        link = new_link()
        await self._audit.do(
            lambda connection: kept.open_link(connection, id, hash_of(link), int(now) + LINK_LASTS),
            who=by,
            what="staff_link_opened",
            subject=member.name,
        )
        return link

    async def remove(self, by: str, id: str) -> None:
        """With their passkeys, and wherever they are signed in.

        Raises:
            RelayError: NOT_FOUND.
        """
        member = await self._find(id)
        await self._audit.do(
            lambda connection: kept.remove(connection, id), who=by, what="staff_removed", subject=member.name
        )
        self._desk.forget(id)

    async def _come_in(self, id: str, source: str, shown: str | None, now: float) -> tuple[str, Known[Colleague]]:
        member = await self._find(id)
        # First, so that nobody is in of whom it is not noted.
        await self._audit.note(member.name, "signed_in", self._audit.place(source))
        token = await self._desk.sign_in(id, now, shown)
        known = await self._desk.know(token, now)
        if known is None:
            raise RelayError(ErrorCode.SIGNED_OUT, "You are signed out. Sign in again.")
        return token, known

    async def _of_link(self, link: str, source: str, now: float) -> Member:
        member = await self._store.of_link(hash_of(link), int(now)) if len(link) <= LONGEST_LINK else None
        if member is None:
            error = RelayError(ErrorCode.LINK_SPENT, SPENT)
            self._heed(error, source)
            raise error
        return member

    async def _find(self, id: str) -> Member:
        member = await self._store.find(id)
        if member is None:
            raise RelayError(ErrorCode.NOT_FOUND, "There is no such person on the staff.")
        return member

    def _heed(self, error: RelayError, source: str) -> None:
        """Those who guess wait, and the log tells of them."""
        if error.code not in (ErrorCode.PASSKEY_REFUSED, ErrorCode.LINK_SPENT):
            return
        self._attempts.note_wrong(source)
        log.warning("staff_refused", source=source, code=error.code)


def staff_of(*, records: Records, keys: Keys, audit: Audit, attempts: Attempts, site: str | None, hours: int) -> Staff:
    """Of one server. `site` is what the place is called, `hours` how long somebody stays signed in."""
    store = KeptStaff(records)

    async def load(id: str) -> Colleague | None:
        member = await store.find(id)
        return None if member is None else _colleague(member)

    return Staff(
        store=store,
        passkeys=Passkeys(kind="staff", site=site or "Relay", keys=keys, store=KeptPasskeys(records, staff_passkeys)),
        desk=Desk(store=KeptSessions(records, staff_sessions), lasts=Lasts(whole=hours * 3_600, idle=IDLE), load=load),
        audit=audit,
        attempts=attempts,
    )


def name_of(written: str) -> str:
    """As it is kept: in one form, with no more around it, and without what is not seen.

    Raises:
        RelayError: INVALID_MESSAGE, NAME_TAKEN.
    """
    name = " ".join(unicodedata.normalize("NFC", written).split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise RelayError(ErrorCode.INVALID_MESSAGE, f"A name has 1 to {LONGEST_NAME} characters that can be seen.")
    if name.casefold().startswith(RESERVED):
        raise RelayError(ErrorCode.NAME_TAKEN, "That name stands for something else in the audit log.")
    return name


def new_link() -> str:
    """The secret part of one."""
    return secrets.token_urlsafe(LINK)


def hash_of(link: str) -> str:
    """What is kept of it."""
    return hashlib.sha256(link.encode(errors="surrogateescape")).hexdigest()


def _colleague(member: Member) -> Colleague:
    return Colleague(member.id, member.name, scopes.read(member.roles))
