"""The chain of the audit log: each entry has the hash of the one before it in its own, and a signature. So nobody who
can write to the database can change, remove, add or swap one unseen, if they have no key.

Old entries go when they have been kept for long enough. Then one says, signed as all are, up to which they went and
what the hash of the last of them was: the chain begins there.

What a chain can't tell by itself is that its latest entries are missing. Each is in the server's log too, with its
number and its hash.
"""

import hashlib
from collections.abc import Callable

import msgspec

BEGINNING = bytes(32)
"""The hash before the first entry."""

EXPIRED = "audit_expired"
"""What an entry says that takes the place of old ones: its subject is the number of the last of them."""

Sign = Callable[[bytes], bytes]
Check = Callable[[bytes, bytes], bool]
"""Whether a signature, the second, is of these bytes."""


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did, before it is in the chain."""

    who: str
    what: str
    subject: str
    """Whom or what it was done to; empty: the server."""
    detail: str
    """JSON: an object."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One of the chain."""

    n: int
    """From 1 on, without gaps."""
    at: int
    """Seconds since 1970."""
    who: str
    what: str
    subject: str
    detail: str
    previous: bytes
    hash: bytes
    signature: bytes


class Expired(msgspec.Struct, frozen=True, kw_only=True):
    """The detail of an entry that takes the place of old ones."""

    through: int
    """The number of the last that went."""
    hash: str
    """Of it, in hexadecimal digits."""


def sealed(deed: Deed, *, after: Entry | None, at: int, sign: Sign) -> Entry:
    """The next entry; `after` is the latest so far."""
    n, previous = (1, BEGINNING) if after is None else (after.n + 1, after.hash)
    hashed = _hash(n, at, deed, previous)
    fields = msgspec.structs.asdict(deed)
    return Entry(n=n, at=at, previous=previous, hash=hashed, signature=sign(hashed), **fields)


def expired(last: Entry) -> Deed:
    """That the old entries went, up to this one."""
    detail = Expired(through=last.n, hash=last.hash.hex())
    return Deed(who="server", what=EXPIRED, subject=str(last.n), detail=msgspec.json.encode(detail).decode())


class Verifier:
    """Takes the entries one after the other, and says what is wrong with the first that is."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._latest: Entry | None = None
        self._owed: Expired | None = None
        """What an entry has to say, because those before the first one are not there."""

    @property
    def latest(self) -> Entry | None:
        """The last that was taken."""
        return self._latest

    def take(self, entry: Entry) -> str | None:
        """What is wrong with it; None: nothing."""
        wrong = self._place_of(entry) or self._seal_of(entry)
        if wrong is None:
            self._latest = entry
            if self._owed is not None and entry.what == EXPIRED and _expired(entry.detail) == self._owed:
                self._owed = None
        return wrong

    def end(self) -> str | None:
        """What is wrong with the beginning; None: nothing."""
        if self._owed is None:
            return None
        return f"Entries up to {self._owed.through} are missing, and no later one says that they were old enough to go."

    def _place_of(self, entry: Entry) -> str | None:
        latest = self._latest
        if latest is not None:
            if entry.n != latest.n + 1:
                return f"It follows entry {latest.n}: what was between them is missing, or they were swapped."
            return None if entry.previous == latest.hash else f"It was not written after entry {latest.n}."
        if entry.n == 1:
            return None if entry.previous == BEGINNING else "It is the first, and was written after another."
        self._owed = Expired(through=entry.n - 1, hash=entry.previous.hex())
        return None

    def _seal_of(self, entry: Entry) -> str | None:
        deed = Deed(who=entry.who, what=entry.what, subject=entry.subject, detail=entry.detail)
        if entry.hash != _hash(entry.n, entry.at, deed, entry.previous):
            return "It was changed after it was written."
        return None if self._check(entry.hash, entry.signature) else "It was not signed with this server's key."


def _hash(n: int, at: int, deed: Deed, previous: bytes) -> bytes:
    written = (n, at, deed.who, deed.what, deed.subject, deed.detail, previous.hex())
    return hashlib.sha256(msgspec.json.encode(written)).digest()


def _expired(detail: str) -> Expired | None:
    try:
        return msgspec.json.decode(detail, type=Expired)
    except msgspec.DecodeError:
        return None
