"""Who is signed in, for staff and accounts alike: a random token in a cookie, and what it stands for in the store.

The token is known to the browser alone; the store has its hash, so that nobody signs in by what they find there. What
the store said holds for some seconds, since a page may ask several times in one. While the database is away those whom
we know go on, to the end of their time: then, of all times, somebody must be able to look.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from relay.errors import ErrorCode, RelayError
from relay.store.signed_in import SignedIn

TOKEN = 32
"""Random bytes."""
LONGEST_TOKEN = 64
"""Characters of one that is looked up."""
HOLDS = 10.0
"""Seconds that the store's word holds: how long somebody may stay who was signed out at another server."""
SEEN = 60
"""Seconds after which it is written down that a browser came again."""
MOST = 1_000
"""That are kept in memory; then the one is asked for again that has not come for longest."""

AWAY = frozenset({ErrorCode.STORE_AWAY, ErrorCode.STORE_UNAVAILABLE})

Person = TypeVar("Person")


class SessionStore(Protocol):
    """Where it is kept who is signed in. Each method raises `RelayError` if the store is away."""

    async def add(self, hash: str, session: SignedIn, instead_of: str | None = None) -> None: ...

    async def find(self, hash: str) -> SignedIn | None: ...

    async def see(self, hash: str, now: int) -> None: ...

    async def remove(self, hash: str) -> None: ...

    async def remove_all(self, owner: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Lasts:
    """Seconds that somebody stays signed in."""

    whole: int
    """From signing in on, whatever happens."""
    idle: int
    """Without coming."""


@dataclass(frozen=True, slots=True)
class Known(Generic[Person]):
    """Somebody who is signed in."""

    person: Person
    session: SignedIn


@dataclass(slots=True)
class _Held(Generic[Person]):
    known: Known[Person]
    asked_at: float


class Desk(Generic[Person]):
    """Signs one kind of people in and out, and knows them again. Times are in seconds since 1970."""

    def __init__(self, *, store: SessionStore, lasts: Lasts, load: Callable[[str], Awaitable[Person | None]]) -> None:
        """`load` gives the person of a row's key, None if there is none any more."""
        self._store = store
        self._lasts = lasts
        self._load = load
        self._held: OrderedDict[str, _Held[Person]] = OrderedDict()

    async def sign_in(self, owner: str, now: float, instead_of: str | None = None) -> str:
        """A new token, never one that was there before: nobody can have put it into the browser. What the browser
        showed until now, `instead_of`, is worth nothing any more."""
        at = int(now)
        return await self._begin(SignedIn(owner, at, at, at, at + self._lasts.whole), instead_of)

    async def show(self, token: str, known: Known[Person], now: float) -> str:
        """Note that somebody showed once more that it is them. They get another token, so that one that was stolen
        gains nothing by it, and no more time."""
        return await self._begin(replace(known.session, shown_at=int(now), seen_at=int(now)), token)

    async def know(self, token: str | None, now: float) -> Known[Person] | None:
        """Who shows this token; None if nobody is signed in by it.

        Raises:
            RelayError: the store is away, and we don't remember.
        """
        if not token or len(token) > LONGEST_TOKEN:
            return None
        hash = _hash(token)
        held = self._held.get(hash)
        if held is None or not 0 <= now - held.asked_at < HOLDS:
            try:
                held = await self._ask(hash, now)
            except RelayError as error:
                if held is None or error.code not in AWAY:
                    raise
        if held is None or self._is_over(held.known.session, now):
            self._held.pop(hash, None)
            return None
        self._held.move_to_end(hash)
        await self._see(hash, held, int(now))
        return held.known

    def remembers(self, token: str | None, now: float) -> bool:
        """Whether somebody is known by this token without asking the store."""
        held = self._held.get(_hash(token)) if token and len(token) <= LONGEST_TOKEN else None
        return held is not None and not self._is_over(held.known.session, now)

    async def sign_out(self, token: str) -> None:
        """End this one."""
        self._held.pop(_hash(token), None)
        await self._store.remove(_hash(token))

    async def sign_out_everywhere(self, owner: str) -> None:
        """End all of somebody's, wherever they are."""
        self.forget(owner)
        await self._store.remove_all(owner)

    def forget(self, owner: str) -> None:
        """Ask the store again about somebody."""
        for hash in [hash for hash, held in self._held.items() if held.known.session.owner == owner]:
            del self._held[hash]

    async def _begin(self, session: SignedIn, instead_of: str | None) -> str:
        token = secrets.token_urlsafe(TOKEN)
        before = None if instead_of is None else _hash(instead_of)
        await self._store.add(_hash(token), session, before)
        if before is not None:
            self._held.pop(before, None)
        return token

    async def _ask(self, hash: str, now: float) -> "_Held[Person] | None":
        session = await self._store.find(hash)
        person = None if session is None else await self._load(session.owner)
        if session is None or person is None:
            self._held.pop(hash, None)
            return None
        if hash not in self._held and len(self._held) >= MOST:
            self._held.popitem(last=False)
        held = self._held[hash] = _Held(Known(person, session), now)
        return held

    async def _see(self, hash: str, held: "_Held[Person]", now: int) -> None:
        if now - held.known.session.seen_at < SEEN:
            return
        held.known = replace(held.known, session=replace(held.known.session, seen_at=now))
        try:
            await self._store.see(hash, now)
        except RelayError as error:
            if error.code not in AWAY:
                raise

    def _is_over(self, session: SignedIn, now: float) -> bool:
        return now >= session.ends_at or now - session.seen_at >= self._lasts.idle


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()
