"""Chats that two people keep: who of them wants to, and from when on it is done. Nothing is before both do.

It owns that, and nothing of it outlives the conversation. What is kept is the archive's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from relay.errors import ErrorCode, RelayError
from relay.ids import RoomId, UserId
from relay.observe.happenings import ChatKept, Happening, RoomEnded, SessionResumed
from relay.observe.journal import Journal
from relay.protocol.codec import about
from relay.protocol.messages import ChatKeeping, KeepChat
from relay.room.host import RoomHost
from relay.session.directory import Directory

MOST_LINES = 2_000
"""Of one chat; then no more of it is kept, and both are told."""


class Archive(Protocol):
    """Where chats are kept. Nobody waits for it; what it is told of one chat is done in this order."""

    @property
    def days(self) -> int:
        """For how long; 0: nothing is kept here."""

    def begin(self, one: str, other: str, done: Callable[[str, int], None], failed: Callable[[], None]) -> None:
        """Keep a chat of two people, by their codes. `done` is given its name, and when it goes, in seconds since
        1970."""

    def add(self, chat: str, n: int, writer: int, text: str, failed: Callable[[], None]) -> None:
        """Keep the line that is its `n`th, of the one (0) or the other (1)."""

    def erase(self, chat: str, failed: Callable[[], None]) -> None:
        """Keep nothing of it any more."""


@dataclass(slots=True, eq=False)
class _Wanted:
    """What the two of one conversation want."""

    room: RoomId
    people: tuple[UserId, ...]
    by: set[UserId] = field(default_factory=set)
    chat: str | None = None
    """Its name in the archive; None: nothing is kept now."""
    until: int | None = None
    lines: int = 0
    begun: int = 0
    """Times that it was begun: what the archive says of an earlier one is passed over."""


class Keeping:
    """For all conversations; a `Reader` of the journal, which tells when they end, and who is back."""

    def __init__(self, *, archive: Archive, rooms: RoomHost, directory: Directory, journal: Journal) -> None:
        self._archive = archive
        self._rooms = rooms
        self._directory = directory
        self._journal = journal
        self._wanted: dict[RoomId, _Wanted] = {}
        journal.add(self)

    def reads(self, kind: type[Happening]) -> bool:
        return kind in (RoomEnded, SessionResumed)

    def note(self, happening: Happening) -> None:
        match happening:
            case RoomEnded():
                # What was kept stays.
                self._wanted.pop(happening.room, None)
            case SessionResumed():
                if wanted := self._of(happening.user):
                    self._tell(wanted, happening.user)

    def want(self, user: UserId, message: KeepChat) -> None:
        """Somebody wants to keep the chat from now on, or does not.

        Raises:
            RelayError: OUT_OF_TURN, where no chat is kept, or that conversation is over.
        """
        people = (user, *self._rooms.others_of(user))
        if self._archive.days == 0 or len(people) != 2 or not all(map(self._code_of, people)):
            raise RelayError(ErrorCode.OUT_OF_TURN, "Chats are not kept here.", about=about(message))
        if message.room_id != self._rooms.room_of(user):
            raise RelayError(ErrorCode.OUT_OF_TURN, "That conversation is over.", about=about(message))
        room = RoomId(message.room_id)
        wanted = self._wanted.setdefault(room, _Wanted(room, people))
        if message.keep == (user in wanted.by):
            self._tell(wanted, user)
        elif message.keep:
            wanted.by.add(user)
            self._tell(wanted)
            if len(wanted.by) == len(people):
                self._begin(wanted)
        else:
            self._withdraw(wanted, user)

    def say(self, user: UserId, text: str) -> None:
        """Keep what somebody wrote, if both want that."""
        wanted = self._of(user)
        if wanted is None or wanted.chat is None:
            return
        if wanted.lines >= MOST_LINES:
            self._fail(wanted, wanted.begun)
            return
        failed = partial(self._fail, wanted, wanted.begun)
        self._archive.add(wanted.chat, wanted.lines, wanted.people.index(user), text, failed)
        wanted.lines += 1

    def _begin(self, wanted: _Wanted) -> None:
        wanted.begun += 1
        one, other = (self._code_of(user) or "" for user in wanted.people)
        self._archive.begin(
            one,
            other,
            partial(self._begun, wanted, wanted.begun),
            partial(self._fail, wanted, wanted.begun),
        )

    def _begun(self, wanted: _Wanted, time: int, chat: str, until: int) -> None:
        if not self._is_wanted(wanted, time):
            # One of them left, or changed their mind, before the archive had it.
            self._archive.erase(chat, lambda: None)
            return
        wanted.chat, wanted.until, wanted.lines = chat, until, 0
        self._journal.note(ChatKept(outcome="begun"))
        self._tell(wanted)

    def _withdraw(self, wanted: _Wanted, user: UserId) -> None:
        """Of somebody who wants no more, nothing is kept, the other's lines with theirs: it was kept because both
        wanted it."""
        chat, wanted.chat, wanted.until = wanted.chat, None, None
        wanted.by.discard(user)
        wanted.begun += 1
        if chat is not None:
            self._journal.note(ChatKept(outcome="withdrawn"))
            self._archive.erase(chat, partial(self._fail, wanted, wanted.begun))
        self._tell(wanted)

    def _fail(self, wanted: _Wanted, time: int) -> None:
        """The archive could not do it. Both are told, and may want it again."""
        if wanted.begun != time or self._wanted.get(wanted.room) is not wanted:
            return
        wanted.begun += 1
        wanted.by.clear()
        wanted.chat, wanted.until = None, None
        self._journal.note(ChatKept(outcome="failed"))
        self._tell(wanted, failed=True)

    def _is_wanted(self, wanted: _Wanted, time: int) -> bool:
        """Still, as when it was begun."""
        return wanted.begun == time and self._wanted.get(wanted.room) is wanted

    def _tell(self, wanted: _Wanted, *users: UserId, failed: bool = False) -> None:
        for user in users or wanted.people:
            stands = ChatKeeping(
                room_id=wanted.room,
                own=user in wanted.by,
                partner=any(other in wanted.by for other in wanted.people if other != user),
                until=wanted.until,
                failed=failed,
            )
            self._directory.tell(user, stands)

    def _of(self, user: UserId) -> _Wanted | None:
        room = self._rooms.room_of(user)
        return None if room is None else self._wanted.get(room)

    def _code_of(self, user: UserId) -> str | None:
        session = self._directory.find(user)
        return None if session is None else session.visitor
