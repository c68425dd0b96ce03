"""Gathers what the console shows from its owners, and passes the operator's orders on."""

import time
from collections.abc import Callable, Sequence

from relay import clock
from relay.auth.audit import Audit
from relay.auth.scopes import OPERATOR, Principal
from relay.errors import RelayError
from relay.figures.figures import Figures
from relay.figures.history import INTERVAL, History, Sample
from relay.ids import PeerId, RoomId, UserId
from relay.machine import process
from relay.matchmaking.matchmaker import Matchmaker
from relay.media.connections import MediaConnections
from relay.media.engine import Engine, PeerStats
from relay.observe.happenings import OperatorEndedRoom, OperatorOrderedDrain
from relay.observe.journal import Journal
from relay.observe.logs.logging import get_logger
from relay.observe.logs.pseudonyms import Pseudonyms
from relay.observe.logs.recent import Recent
from relay.observe.once import Once
from relay.observe.refusals import Refusals
from relay.observe.tally import Tally
from relay.protocol.messages import QualityReport
from relay.room.host import RoomHost
from relay.room.impression import Impression
from relay.room.room import Room
from relay.store.analytics import Analytics, Step
from relay.store.chain import Entry
from relay.store.records import Records
from relay.web.operator.routes import Overview, RefusalView, RoomView, Side, TroubleView

MOST_ROOMS = 200
"""Rooms in one overview, the oldest first; nobody reads more, and a phone must stay quick."""

log = get_logger("operator")


class OperatorConsole:
    """A `Console`. `order_drain` begins the orderly end of the server."""

    def __init__(
        self,
        *,
        figures: Callable[[], Figures],
        tally: Tally,
        refusals: Refusals,
        journal: Journal,
        history: History,
        recent: Recent,
        pseudonyms: Pseudonyms,
        matchmaker: Matchmaker,
        rooms: RoomHost,
        connections: MediaConnections,
        engine: Engine,
        records: Records,
        audit: Audit,
        order_drain: Callable[[], None],
    ) -> None:
        self._figures = figures
        self._tally = tally
        self._refusals = refusals
        self._journal = journal
        self._history = history
        self._recent = recent
        self._pseudonyms = pseudonyms
        self._matchmaker = matchmaker
        self._rooms = rooms
        self._connections = connections
        self._engine = engine
        self._records = records
        self._audit = audit
        self._order_drain = order_drain
        self._seen = Once()
        """Where somebody used the token from."""
        self._began = clock.monotonic()

    async def signed_in(self, who: Principal, address: str) -> None:
        place = self._audit.place(address)
        if who is not OPERATOR or not self._seen.is_new(place):
            return
        try:
            await self._audit.note(who.name, "signed_in", place)
        except RelayError as error:
            # To look on is what an operator needs most when something is wrong, such as the database.
            log.warning("sign_in_not_noted", who=who.name, cause=error.sentence)

    def overview(self, since: float) -> Overview:
        figures = self._figures()
        samples = self._history.since(since)
        rooms = self._rooms.rooms()
        return Overview(
            now=round(time.time(), 3),
            version=figures.version,
            engine=figures.engine,
            ready=figures.ready,
            uptime=round(clock.monotonic() - self._began, 1),
            people=figures.people,
            capacity=figures.capacity,
            bound=figures.bound,
            certificate_ends=figures.certificate_ends,
            used=round(figures.used, 4),
            waiting=figures.waiting,
            talking=figures.talking,
            media_connections=figures.media_connections,
            matches=self._tally.matches,
            cores=process.cpu_limit(),
            memory=process.resident_bytes(),
            memory_limit=process.memory_limit(),
            interval=INTERVAL,
            series={name: [sample[place] for sample in samples] for place, name in enumerate(Sample._fields)},
            rooms=self._views(rooms[:MOST_ROOMS]),
            rooms_in_all=len(rooms),
            refused=tuple(
                RefusalView(
                    reason=refused.reason.value,
                    at=round(refused.at, 1),
                    times=refused.times,
                    cause=self._pseudonyms.hide(refused.cause),
                    remedy=refused.remedy,
                )
                for refused in self._refusals.latest()
            ),
            troubles=tuple(
                TroubleView(
                    at=round(trouble.at, 1),
                    level=trouble.level,
                    source=trouble.source,
                    event=trouble.event,
                    detail=trouble.detail,
                    times=trouble.times,
                )
                for trouble in self._recent.troubles()
            ),
        )

    async def end_room(self, room_id: str, who: str) -> bool:
        if self._rooms.find(RoomId(room_id)) is None:
            return False
        await self._audit.note(who, "room_ended", room_id)
        # It may have ended meanwhile.
        room = self._rooms.find(RoomId(room_id))
        if room is None:
            return False
        self._journal.note(OperatorEndedRoom(room=room.room_id))
        return self._matchmaker.separate(room.room_id, clock.monotonic())

    async def drain(self, who: str) -> None:
        await self._audit.note(who, "drain")
        self._journal.note(OperatorOrderedDrain())
        self._order_drain()

    async def analytics(self, days: int, step: Step) -> Analytics:
        return await self._records.analytics(days, step)

    async def audited(self, before: int | None, most: int) -> Sequence[Entry]:
        return await self._audit.latest(before=before, most=most)

    def _views(self, rooms: list[Room]) -> tuple[RoomView, ...]:
        now = clock.monotonic()
        stats = self._engine.peer_stats()
        return tuple(
            RoomView(
                room_id=room.room_id,
                mode=room.mode.value,
                seconds=round(now - room.opened_at, 1),
                sides=tuple(self._side(user, room.impressions[user], stats) for user in room.members),
            )
            for room in rooms
        )

    def _side(self, user: UserId, impression: Impression, stats: dict[PeerId, PeerStats]) -> Side:
        peer = self._connections.peer_of(user)
        of = stats.get(peer) if peer is not None else None
        latest = impression.latest
        return Side(
            user=user,
            path=self._connections.path_of(user),
            received=of.bits_per_second_received if of else None,
            sent=of.bits_per_second_sent if of else None,
            keyframe_requests=of.keyframe_requests if of else None,
            dropped=sum(of.drops.values()) if of else None,
            loss_in=_rounded(of.from_peer.loss) if of and of.from_peer else None,
            loss_out=_rounded(of.to_peer.loss) if of and of.to_peer else None,
            round_trip=of.round_trip if of else None,
            cap=of.from_peer.cap if of and of.from_peer else None,
            frames_per_second=latest.frames_per_second if latest else None,
            height=latest.height if latest else None,
            frozen=_frozen(latest) if latest else None,
            first_frame=impression.first_frame.seconds if impression.first_frame else None,
        )


def _frozen(report: QualityReport) -> float | None:
    return None if report.frozen_seconds is None else _rounded(min(1.0, report.frozen_seconds / report.seconds))


def _rounded(share: float) -> float:
    return round(share, 4)
