"""The composition root: builds everything, wires the layers, starts and stops them in order."""

import asyncio
import errno
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

from relay.auth import rules
from relay.auth.accounts import Accounts
from relay.auth.attempts import Attempts
from relay.auth.audit import Audit
from relay.auth.gate import Gate
from relay.auth.safekeeping import Safekeeping
from relay.auth.staff import staff_of
from relay.config.settings import Settings, TurnChoice
from relay.errors import FatalError
from relay.figures.figures import Figures
from relay.figures.gathered import Gathered
from relay.figures.history import History
from relay.figures.metrics import Metrics
from relay.figures.stats import Stats, stats_of
from relay.figures.survey import Survey
from relay.front.front import Front
from relay.front.splice import SPLICES_PER_PERSON, Splice
from relay.ledger.accounts import Ledger, rates_of
from relay.ledger.addresses import Networks
from relay.ledger.turns import Turns
from relay.machine.capacity import (
    CONNECTIONS_PER_PERSON,
    Capacity,
    bound_of,
    limits_of,
    most_cache,
    most_connections,
    threads_of,
)
from relay.machine.collection import Collection, leave_what_stays
from relay.machine.interfaces import Interfaces
from relay.machine.pulse import Pulse
from relay.matchmaking.matchmaker import Matchmaker
from relay.media.choice import choose
from relay.media.connections import MediaConnections
from relay.media.switchboard import Switchboard
from relay.observe.drops import Drops
from relay.observe.happenings import Broken, KeptOut, TaskFailed
from relay.observe.journal import Journal
from relay.observe.logs import logging
from relay.observe.logs.pseudonyms import Ours, Pseudonyms
from relay.observe.logs.recent import Recent
from relay.observe.logs.writer import LogWriter
from relay.observe.reasons import Reason
from relay.observe.refusals import Refusals
from relay.observe.tally import Tally
from relay.peer.aiortc_bridge import SharedCertificate
from relay.peer.candidates import Reach
from relay.protocol.limits import Limits
from relay.room.host import RoomHost
from relay.session.directory import Directory
from relay.session.events import Handlers
from relay.session.handling.attendance import Attendance
from relay.session.handling.media import MediaEvents
from relay.session.handling.search import Search
from relay.session.handling.talk import Talk
from relay.session.presence import Presence
from relay.session.reception import Reception
from relay.session.sessions import Sessions
from relay.session.turn import InsideTurn, OutsideTurn, Turn
from relay.store.records import DAY, Records
from relay.tasks import Tasks
from relay.transport.addresses import Advertised, turn_relays
from relay.transport.outside import Outside
from relay.web.accounts import AccountDesk
from relay.web.callers import Callers
from relay.web.charging import charge
from relay.web.consent import Consent
from relay.web.cookies import Cookies
from relay.web.gateway import Gateway
from relay.web.guests import Guests
from relay.web.hosts import Hosts, served_hosts
from relay.web.operator.console import OperatorConsole
from relay.web.operator.staff import StaffPages
from relay.web.origins import Origins
from relay.web.server import WebServer
from relay.web.status import Status
from relay.web.visitor_address import VisitorAddresses

UNNAMED_SITE = "Relay"
"""What authenticators call a place whose operator gave it no name."""

log = logging.get_logger("app")


class Relay:
    """A whole server. `start()` returns when it takes people, `stop()` when it holds nothing any more."""

    def __init__(
        self,
        settings: Settings,
        order_drain: Callable[[], None] = lambda: None,
        ours: Ours | None = None,
    ) -> None:
        """`order_drain` is what the operator's console calls to end the server in good order. `ours` is what the log
        takes for the server's own addresses, where somebody has set the log up."""
        limits = limits_of(settings.capacity, threads_of(settings.media))
        settings = self.settings = settings.but(max_people=limits.people)
        self._ready = False
        self.broken = asyncio.Event()
        """Set when the process can't go on: its supervisor is to start another."""
        self.drops = Drops()
        self.tally = Tally()
        self.refusals = Refusals()
        self._records = Records(settings.state, lambda happening: self.journal.note(happening), self.report)
        self.journal = Journal(self.tally, self.refusals, LogWriter(), self._records)

        # the machine, and where it is
        self._pulse = Pulse(self.report)
        self._interfaces = Interfaces()
        literal = settings.but(public_address=settings.network.public_ips).network
        self._advertised = Advertised(literal, self._interfaces, self.report)
        ours = ours or Ours(self._interfaces, settings.network.public_address)
        self._outside = Outside(settings.network, ours.add, self.report)
        self._ledger = Ledger(
            rates_of(settings.per_address),
            settings.per_address.max_cpu_per_address,
            Networks(settings.site.trusted_proxies),
        )
        self._turns = Turns()
        self._reached: Reach | None = None
        """As the media port knows it."""

        # media
        self.media = choose(
            settings.media,
            people=limits.people,
            cache=most_cache(settings.capacity),
            drops=self.drops,
            report=self.report,
        )
        self._port, self.engine = self.media.port, self.media.engine
        switchboard = Switchboard(self.engine)
        self._connections = MediaConnections(
            port=self._port,
            engine=self.engine,
            switchboard=switchboard,
            certificate=SharedCertificate(),
            reach=self._reach,
            drops=self.drops,
            journal=self.journal,
        )

        # people
        self._directory = Directory(
            limits.people, settings.per_address.max_per_address, rank=lambda session: self._presence.rank(session)
        )
        self._collection = Collection(lambda: len(self._directory), self.report)
        self._capacity = Capacity(
            limits=limits,
            present=lambda: self._directory.present,
            counters=lambda: self._gathered.counters(),
            pulse=self._pulse,
            report=self.report,
        )
        self._rooms = RoomHost(switchboard, self._directory, self.journal)
        self._matchmaker = Matchmaker(rooms=self._rooms, post=self._directory, journal=self.journal, report=self.report)
        self._presence = Presence(
            directory=self._directory,
            matchmaker=self._matchmaker,
            rooms=self._rooms,
            connections=self._connections,
            journal=self.journal,
        )
        self._connections.listener = self._presence
        self._turn = InsideTurn(
            choice=settings.turn.turn_inside if self.media.takes_turn else TurnChoice.OFF,
            reach=lambda: self._reach(False),
            takes_tls=lambda: self._front.takes_turn,
        )
        limits_for_visitors = Limits.configured(settings.limits)
        self._sessions = Sessions(
            directory=self._directory,
            matchmaker=self._matchmaker,
            rooms=self._rooms,
            connections=self._connections,
            presence=self._presence,
            capacity=self._capacity,
            visits=settings.visits,
            turn=Turn(inside=self._turn, outside=OutsideTurn.configured(settings.turn), port=self._port),
            limits=limits_for_visitors,
            rates=settings.rates,
            journal=self.journal,
            report=self.report,
        )
        reception = Reception(
            sessions=self._sessions,
            presence=self._presence,
            handlers=Handlers(
                search=Search(self._matchmaker, self._presence),
                talk=Talk(self._rooms),
                media=MediaEvents(self._connections, self._rooms, limits_for_visitors),
                attendance=Attendance(self._sessions),
            ),
            limits=limits_for_visitors,
            journal=self.journal,
        )

        # figures
        self._gathered = Gathered(
            engine_name=self.media.choice.value,
            bound=bound_of(settings.capacity, threads_of(settings.media)),
            engine=self.engine,
            directory=self._directory,
            matchmaker=self._matchmaker,
            rooms=self._rooms,
            connections=self._connections,
            capacity=self._capacity,
            turns=self._turns,
            tally=self.tally,
            web_connections=lambda: len(self._guests),
            records=self._records,
            is_ready=lambda: self._ready,
            certificate_ends=lambda: self.certificate_ends,
        )
        self._history = History(figures=self._gathered.figures, tally=self.tally, pulse=self._pulse, report=self.report)
        self._survey = Survey(self._gathered.links, self.report)
        self.metrics = Metrics(
            read=self._gathered.figures,
            survey=self._survey,
            tally=self.tally,
            refusals=self.refusals,
            pulse=self._pulse,
            collection=self._collection,
        )
        pseudonyms = Pseudonyms(ours)
        self._recent = Recent(pseudonyms)

        # who people are
        self._safekeeping = Safekeeping(settings, self.report)
        self._audit = Audit(
            records=self._records,
            keys=self._safekeeping.keys,
            keep=settings.state.keep_audit * DAY,
            journal=self.journal,
            report=self.report,
        )
        attempts = Attempts()
        staff = staff_of(
            records=self._records,
            keys=self._safekeeping.keys,
            audit=self._audit,
            attempts=attempts,
            site=settings.about.site_name,
            hours=settings.staff.staff_hours,
        )

        # the web
        self._guests = Guests(
            most=most_connections(),
            most_per_address=CONNECTIONS_PER_PERSON * settings.per_address.max_per_address,
            drops=self.drops,
            journal=self.journal,
            report=self.report,
        )
        addresses = VisitorAddresses(settings.site, self._guests, self.journal)
        origins = Origins(settings.site.allowed_origins, addresses)
        cookies = Cookies(addresses)
        callers = Callers(
            gate=Gate(settings.operator.operator_token, settings.operator.metrics_token, attempts),
            staff=staff,
            cookies=cookies,
            origins=origins,
            addresses=addresses,
        )
        consent = Consent(
            settings=settings,
            rules=rules.of_place(settings.consent.rules_file),
            keys=self._safekeeping.keys,
            cookies=cookies,
            origins=origins,
            journal=self.journal,
        )
        self._accounts = (
            Accounts(
                settings=settings.account,
                site=settings.about.site_name or UNNAMED_SITE,
                keys=self._safekeeping.keys,
                records=self._records,
            )
            if settings.account.are_on
            else None
        )
        desk = AccountDesk(
            accounts=self._accounts,
            consent=consent,
            cookies=cookies,
            origins=origins,
            addresses=addresses,
            journal=self.journal,
        )
        self._web = WebServer(
            gateway=Gateway(
                sessions=self._sessions,
                reception=reception,
                guests=self._guests,
                addresses=addresses,
                turns=self._turns,
                origins=origins,
                consent=consent,
                accounts=desk,
                largest_message=settings.limits.max_message_bytes,
                journal=self.journal,
                report=self.report,
            ),
            status=Status(
                figures=self._gathered.figures, tally=self.tally, rooms=self._rooms, sweep=self._sessions.sweep
            ),
            console=OperatorConsole(
                figures=self._gathered.figures,
                tally=self.tally,
                refusals=self.refusals,
                journal=self.journal,
                history=self._history,
                recent=self._recent,
                pseudonyms=pseudonyms,
                matchmaker=self._matchmaker,
                rooms=self._rooms,
                connections=self._connections,
                engine=self.engine,
                records=self._records,
                audit=self._audit,
                order_drain=order_drain,
            ),
            staff=StaffPages(staff=staff, callers=callers, cookies=cookies, addresses=addresses),
            audit=self._audit,
            consent=consent,
            accounts=desk,
            metrics=self.metrics,
            journal=self.journal,
            charged=charge(
                addresses=addresses,
                knows=callers.knows,
                ledger=self._ledger,
                turns=self._turns,
                journal=self.journal,
            ),
            callers=callers,
            addresses=addresses,
            hosts=Hosts(served_hosts(settings.site, settings.network), addresses, self.journal),
            https=settings.https,
            site=settings.site,
            metrics_allow=settings.operator.metrics_allow,
        )
        self._front = Front(
            network=settings.network,
            https=settings.https,
            state=settings.state,
            server=self._web,
            port=self._port,
            splice=self._splice(settings),
            guests=self._guests,
            ledger=self._ledger,
            turns=self._turns,
            drops=self.drops,
            journal=self.journal,
            report=self.report,
        )

    async def start(self) -> None:
        """Open the database, the media port, then the HTTP port.

        Raises:
            ConfigurationError: a port can't be bound, or the database can't be used; nothing is left open.
        """
        await self._records.start()
        self.media.open(self.settings.network.media_hosts, self.settings.network.udp_port, self._connections)
        self._outside.start()
        self._advertised.start()
        self._matchmaker.start()
        self._sessions.start()
        self._pulse.start()
        self._collection.start()
        self._capacity.start()
        self._history.start()
        self._survey.start()
        self._recent.listen()
        self._safekeeping.start()
        self._audit.start()
        self._ready = True
        try:
            await self._outside.find()
            self._reach(False)  # the media port learns its own addresses
            self._connections.know_relays(await self._turn_relays())
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
        await self._audit.close()
        await self._safekeeping.close()
        if self._accounts is not None:
            await self._accounts.close()
        self._recent.stop()
        await self._survey.close()
        await self._history.close()
        await self._outside.close()
        await self._advertised.close()
        await self._capacity.close()
        await self._collection.close()
        await self._pulse.close()
        self._connections.close()
        await self.engine.stop()
        await self._port.close()
        await self._records.stop()

    def _reach(self, just_changed: bool) -> Reach:
        """For an answer or a greeting. The media port hears of it first: what browsers are told they may name as peers
        to TURN inside it."""
        addresses = self._outside.over(self._advertised.addresses(just_changed=just_changed))
        reach = Reach(addresses, self.settings.network.outside_udp_port, self.settings.network.outside_tcp_port)
        if reach != self._reached:
            self._reached = reach
            self._port.tell_turn_peers(reach.over_udp)
        return reach

    async def _turn_relays(self) -> Container[str]:
        return await turn_relays(self.settings.turn.turn_urls, self.settings.network.public_address, self._interfaces)

    def _splice(self, settings: Settings) -> Splice | None:
        """What passes TURN over TLS on to coturn, where it is configured to come to our own port."""
        if settings.turn.turn_sni is None:
            return None
        host, _, number = settings.turn.turn_backend.rpartition(":")
        return Splice(
            server_name=settings.turn.turn_sni,
            host=host.strip("[]"),
            port=int(number),
            most=SPLICES_PER_PERSON * settings.capacity.max_people,
            most_per_address=SPLICES_PER_PERSON * settings.per_address.max_per_address,
            turns=self._turns,
            drops=self.drops,
            report=self.report,
        )

    def figures(self) -> Figures:
        """Everything that is known at this moment."""
        return self._gathered.figures()

    def stats(self) -> Stats:
        """What everybody may know."""
        return stats_of(self._gathered.figures(), self.tally)

    @property
    def addresses(self) -> tuple[str, ...]:
        """What browsers are told now."""
        return self._outside.over(self._advertised.addresses())

    @property
    def offers_turn_over_tls(self) -> bool:
        """To browsers whose TLS ends here."""
        return self._turn.offers_tls

    @property
    def port(self) -> int:
        """The one port of pages and WebSockets."""
        return self.settings.network.port

    @property
    def url(self) -> str:
        """Where this host's own browser finds the page."""
        return f"{self._front.scheme}://localhost:{self.settings.network.port}"

    def report(self, task: str, failure: BaseException) -> None:
        """A task failed that should not have: say so once, with its cause."""
        if isinstance(failure, OSError) and failure.errno in (errno.EMFILE, errno.ENFILE):
            # What the system does not give is no mistake of ours.
            self.journal.note(KeptOut(reason=Reason.DESCRIPTORS, cause=task, fields={"task": task}))
            return
        if not isinstance(failure, FatalError):
            self.journal.note(TaskFailed(task=task, cause=failure))
            return
        if not self.broken.is_set():
            self.journal.note(Broken(part=task, cause=str(failure)))
        self.broken.set()


@dataclass(frozen=True, slots=True)
class Orders:
    """What the operator's signals ask of a running server."""

    drain: asyncio.Event
    """Take nobody any more, and end when conversations have."""
    stop: asyncio.Event
    """End now."""
    reload: asyncio.Event
    """Read again what may change while it runs."""


async def serve(settings: Settings, orders: Orders, serving: Callable[[Relay], None]) -> None:
    """Set the log up and run a server until it is ordered to end; `serving` is called when it takes people.

    Raises:
        ConfigurationError: a setting is not right, or a port can't be bound.
        FatalError: it can't go on.
    """
    ours = Ours(Interfaces(), settings.network.public_address)
    # First, because a certificate that ends soon is warned of where it is read.
    logging.configure(settings.logs.log_level, settings.logs.log_format, ours)
    relay = Relay(settings, orders.drain.set, ours)
    tasks = Tasks("orders", relay.report)
    await relay.start()
    leave_what_stays()
    try:
        serving(relay)
        tasks.start("reload", _reload(relay, orders.reload))
        stopped, broken = tasks.start("stop", orders.stop.wait()), tasks.start("broken", relay.broken.wait())
        await _first(tasks.start("drain order", orders.drain.wait()), stopped, broken)
        if orders.drain.is_set() and not stopped.done():
            log.info("draining", seconds=settings.visits.drain_timeout)
            await _first(tasks.start("drain", relay.drain(settings.visits.drain_timeout)), stopped, broken)
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
