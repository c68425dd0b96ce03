"""The composition root: builds everything, wires the layers, starts and stops them in order."""

import asyncio
import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from relay import __version__, clock
from relay.config import Settings
from relay.errors import FatalError
from relay.ids import UserId
from relay.ledger.accounts import Deed, Ledger
from relay.ledger.addresses import Networks
from relay.ledger.turns import Turns
from relay.matchmaking.matchmaker import Matchmaker
from relay.media.choice import choose
from relay.media.connections import Connections
from relay.media.engine import links
from relay.media.switchboard import Switchboard
from relay.observe.capacity import CONNECTIONS_PER_PERSON, Capacity, Counters, bound_of, limits_of, most_connections
from relay.observe.drops import Drops
from relay.observe.figures import Figures, Links
from relay.observe.history import History
from relay.observe.interfaces import Interfaces
from relay.observe.logging import get_logger
from relay.observe.memory import Memory
from relay.observe.metrics import Metrics
from relay.observe.pseudonyms import Ours, Pseudonyms
from relay.observe.pulse import Pulse
from relay.observe.recent import Recent
from relay.observe.refusals import Reason
from relay.observe.survey import Survey
from relay.observe.tally import Tally
from relay.peer.aiortc_bridge import SharedCertificate
from relay.peer.candidates import Reach
from relay.room.host import RoomHost
from relay.session.directory import Directory
from relay.session.presence import Presence
from relay.session.sessions import Sessions
from relay.tasks import Tasks
from relay.transport.addresses import Advertised, turn_relays
from relay.transport.outside import Outside
from relay.web.charging import charge
from relay.web.front import Front
from relay.web.gateway import Gateway
from relay.web.guests import Guests
from relay.web.operator_console import OperatorConsole
from relay.web.operator_token import OperatorGate
from relay.web.server import WebServer
from relay.web.status import Cleanup, Health, RoomStatus, Stats
from relay.web.visitor_address import VisitorAddresses

log = get_logger("app")


class Relay:
    """A whole server. `start()` returns when it takes people, `stop()` when it holds nothing any more."""

    def __init__(
        self,
        settings: Settings,
        order_drain: Callable[[], None] = lambda: None,
        ours: set[str] | None = None,
    ) -> None:
        """`order_drain` is what the operator's console calls to end the server in good order. `ours` are addresses that
        the log tells as they are; those of this host that are found later join them."""
        ours = set(settings.public_address) if ours is None else ours
        limits, self.bound = limits_of(settings), bound_of(settings)
        settings = self.settings = replace(settings, max_people=limits.people)
        self._interfaces = Interfaces()
        literal = replace(settings, public_address=settings.public_ips)
        self._advertised = Advertised(literal, self._interfaces, self.report)
        self._outside = Outside(settings, ours.update, self.report)
        self.drops = Drops()
        self.tally = Tally()
        self.media = choose(settings, self.drops, self.report)
        self._port, self.engine = self.media.port, self.media.engine
        rates = {
            Deed.CONNECTION: settings.rate_address_connection,
            Deed.JOIN: settings.rate_address_join,
            Deed.OFFER: settings.rate_address_offer,
            Deed.SKIP: settings.rate_address_skip,
        }
        self._ledger = Ledger(rates, settings.max_cpu_per_address, Networks(settings.trusted_proxies))
        self._turns = Turns()
        self._directory = Directory(
            limits.people, settings.max_per_address, rank=lambda session: self._presence.rank(session)
        )
        switchboard = Switchboard(self.engine)
        self._connections = Connections(
            self._port,
            self.engine,
            switchboard,
            SharedCertificate(),
            self._reach,
            self.drops,
            self.tally,
            self.report,
            lost=self._directory.connection_lost,
            presence_changed=self._heed_presence,
            unseen=self._directory.partner_unseen,
        )
        self._rooms = RoomHost(switchboard, self._directory.tell, self.tally)
        self._matchmaker = Matchmaker(self._rooms, self._directory.tell, self.tally, self.report)
        self._pulse = Pulse(self.report)
        self._memory = Memory(lambda: len(self._directory), self.report)
        self._capacity = Capacity(limits, lambda: self._directory.present, self._counters, self._pulse, self.report)
        self._presence = Presence(self._directory, self._matchmaker, self._rooms, self._connections)
        self._sessions = Sessions(
            self._directory,
            self._matchmaker,
            self._rooms,
            self._connections,
            self._presence,
            self._capacity,
            settings,
            self.tally,
            self.report,
        )
        self._history = History(self.figures, self.tally, self._pulse, self.report)
        pseudonyms = Pseudonyms(Ours(self._interfaces, ours))
        self._recent = Recent(pseudonyms)
        self._survey = Survey(self.links, self.report)
        self.metrics = Metrics(self.figures, self._survey, self.tally, self._pulse)
        console = OperatorConsole(
            self.figures,
            self.tally,
            self._history,
            self._recent,
            pseudonyms,
            self._matchmaker,
            self._rooms,
            self._connections,
            self.engine,
            order_drain,
        )
        self._guests = Guests(
            most_connections(),
            CONNECTIONS_PER_PERSON * settings.max_per_address,
            self.drops,
            self.tally.refused,
            self.report,
        )
        addresses = VisitorAddresses(settings, self._guests, self.tally.refused)
        gateway = Gateway(
            self._sessions, self._guests, addresses, self._ledger, self._turns, settings, self.tally, self.report
        )
        gate = OperatorGate(settings, addresses)
        charged = charge(addresses, gate, self._ledger, self._turns, self.tally.refused)
        self._web = WebServer(gateway, self, console, self.metrics, self.tally, charged, gate, settings, addresses)
        self._front = Front(
            settings,
            self._web,
            self._port,
            self._guests,
            self._ledger,
            self._turns,
            self.drops,
            self.tally.refused,
            self.report,
        )
        self._ready = False
        self.broken = asyncio.Event()
        """Set when the process can't go on: its supervisor is to start another."""

    async def start(self) -> None:
        """Open the media port, then the HTTP port.

        Raises:
            ConfigurationError: a port can't be bound; nothing is left open.
        """
        self.media.open(self.settings.media_hosts, self.settings.udp_port, self._connections)
        self._outside.start()
        self._advertised.start()
        self._matchmaker.start()
        self._sessions.start()
        self._pulse.start()
        self._memory.start()
        self._capacity.start()
        self._history.start()
        self._survey.start()
        self._recent.listen()
        self._ready = True
        try:
            await self._outside.find()
            self._connections.know_relays(await turn_relays(self.settings, self._interfaces))
            await self._front.open()
        except BaseException:
            await self.stop()
            raise

    def reload(self) -> None:
        """Read again what may change while the server runs: the certificate."""
        self._front.reload()

    @property
    def certificate_ends(self) -> float | None:
        """In seconds since 1970; None without TLS."""
        return self._front.certificate_ends

    async def drain(self, seconds: float) -> None:
        """Take nobody any more and let conversations end by themselves, until `seconds` have passed."""
        self._ready = False
        await self._sessions.drain(seconds)

    async def stop(self) -> None:
        """Send people away, then end their connections, the engine and the port. Idempotent."""
        self._ready = False
        await self._front.close()
        await self._guests.close()
        self._turns.close()
        await self._sessions.stop()
        await self._matchmaker.close()
        self._recent.stop()
        await self._survey.close()
        await self._history.close()
        await self._outside.close()
        await self._advertised.close()
        await self._capacity.close()
        await self._memory.close()
        await self._pulse.close()
        await self._connections.close()
        await self.engine.stop()
        await self._port.close()

    def _reach(self, just_changed: bool) -> Reach:
        addresses = self._outside.over(self._advertised.addresses(just_changed=just_changed))
        return Reach(addresses, self.settings.outside_udp_port, self.settings.outside_tcp_port)

    def _heed_presence(self, user: UserId) -> None:
        self._presence.media_changed(user)

    @property
    def addresses(self) -> tuple[str, ...]:
        """What browsers are told now."""
        return self._outside.over(self._advertised.addresses())

    @property
    def url(self) -> str:
        """Where this host's own browser finds the page."""
        return f"{self._front.scheme}://localhost:{self.settings.port}"

    def health(self) -> Health:
        return Health(ready=self._ready, version=__version__, engine=self.media.choice.value)

    def figures(self) -> Figures:
        media = self.engine.stats()
        return Figures(
            version=__version__,
            engine=self.media.choice.value,
            ready=self._ready,
            people=len(self._directory),
            capacity=self._capacity.limits.people,
            bound=self.bound.value,
            certificate_ends=self._front.certificate_ends,
            used=self._capacity.used,
            shares=self._capacity.shares(),
            waiting=len(self._matchmaker),
            rooms=len(self._rooms),
            media_connections=len(self._connections),
            web_connections=len(self._guests),
            held_back=len(self._turns),
            paths=dict(self._connections.paths()),
            packets_received=media.packets_received,
            packets_sent=media.packets_sent,
            bytes_received=media.bytes_received,
            bytes_sent=media.bytes_sent,
            drops=media.drops,
            to_peers=media.to_peers,
            from_peers=media.from_peers,
            bytes_kept=media.bytes_kept,
            transcoders=media.transcoders,
            transcoders_refused=media.transcoders_refused,
            pictures_converted=media.pictures_converted,
            pictures_lost=media.pictures_lost,
        )

    def links(self) -> Links:
        return links(self.engine.peer_stats().values())

    def stats(self) -> Stats:
        media = self.engine.stats()
        return Stats(
            capacity_used=round(self._capacity.used, 3),
            people=len(self._directory),
            waiting=len(self._matchmaker),
            rooms=len(self._rooms),
            media_connections=len(self._connections),
            connections=self.tally.connections,
            resumes=self.tally.resumes,
            matches=self.tally.matches,
            waits=self.tally.waits,
            waited_seconds=round(self.tally.waited_seconds, 3),
            setups_succeeded=self.tally.setups_succeeded.total(),
            setups_failed=dict(self.tally.setups_failed_by_reason()),
            paths=dict(self._connections.paths()),
            connections_lost=dict(self.tally.connections_lost),
            refusals={code.value: amount for code, amount in self.tally.refusals.items()},
            packets_received=media.packets_received,
            packets_sent=media.packets_sent,
            bytes_received=media.bytes_received,
            bytes_sent=media.bytes_sent,
            drops=media.drops,
        )

    def _counters(self) -> Counters:
        media = self.engine.stats()
        return Counters(packets=media.packets_received, cache=media.bytes_kept)

    def rooms(self) -> tuple[RoomStatus, ...]:
        now = clock.monotonic()
        return tuple(
            RoomStatus(
                room_id=room.room_id,
                mode=room.mode.value,
                seconds=round(now - room.opened_at, 1),
                members=room.members,
            )
            for room in self._rooms.rooms()
        )

    def cleanup(self) -> Cleanup:
        return Cleanup(people=self._sessions.sweep())

    def report(self, task: str, failure: BaseException) -> None:
        """A task failed that should not have: say so once, with its cause."""
        if isinstance(failure, OSError) and failure.errno in (errno.EMFILE, errno.ENFILE):
            # What the system does not give is no mistake of ours.
            self.tally.refused.note(Reason.DESCRIPTORS, task, task=task)
            return
        self.tally.task_failures += 1
        if isinstance(failure, FatalError):
            if not self.broken.is_set():
                log.critical("broken", part=task, cause=str(failure))
            self.broken.set()
            return
        log.error("task_failed", task=task, exc_info=failure)


@dataclass(frozen=True, slots=True)
class Orders:
    """What the operator's signals ask of a running server."""

    drain: asyncio.Event
    """Take nobody any more, and end when conversations have."""
    stop: asyncio.Event
    """End now."""
    reload: asyncio.Event
    """Read again what may change while it runs."""


async def serve(
    settings: Settings, orders: Orders, serving: Callable[[Relay], None], ours: set[str] | None = None
) -> None:
    """Run a server until it is ordered to end; `serving` is called when it takes people.

    Raises:
        FatalError: it can't go on.
    """
    relay = Relay(settings, orders.drain.set, ours)
    tasks = Tasks("orders", relay.report)
    await relay.start()
    try:
        serving(relay)
        tasks.start("reload", _reload(relay, orders.reload))
        stopped, broken = tasks.start("stop", orders.stop.wait()), tasks.start("broken", relay.broken.wait())
        await _first(tasks.start("drain order", orders.drain.wait()), stopped, broken)
        if orders.drain.is_set() and not stopped.done():
            log.info("draining", seconds=settings.drain_timeout)
            await _first(tasks.start("drain", relay.drain(settings.drain_timeout)), stopped, broken)
    finally:
        await tasks.close()
        await relay.stop()
        log.info("stopped")
    if relay.broken.is_set():
        raise FatalError("The server can't go on: a part of it has died. The log says which.")


async def _reload(relay: Relay, ordered: asyncio.Event) -> None:
    while True:
        await ordered.wait()
        ordered.clear()
        relay.reload()


async def _first(*tasks: "asyncio.Task[Any]") -> None:
    """Wait until one of them is done."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
