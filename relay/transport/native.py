"""The media port in the native core: its threads own the sockets, STUN and the binding table.

Passes orders down and events up. The core answers checks and moves media by itself, so neither waits
for the event loop; events cross in batches when one file descriptor becomes readable.
"""

import asyncio
import errno
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, assert_never

from relay.errors import FatalError
from relay.ids import PeerId
from relay.native import (
    Core,
    DtlsReceived,
    FlowLost,
    FlowResumed,
    FlowSelected,
    FlowSilent,
    NoCommonCodec,
    ThreadDied,
)
from relay.observe.logs.logging import get_logger
from relay.tasks import Report, Tasks
from relay.transport import bindings
from relay.transport.port import Credentials, Path, PortListener, TranscoderListener, Transport
from relay.transport.ports import not_opened
from relay.transport.tcp import prepare
from relay.transport.udp import wanted_buffer
from relay.transport.watch import HANGS_AFTER, LOOK_INTERVAL, Watch

if TYPE_CHECKING:
    from relay.native._core import Event, TlsConnection

EVENTS_PER_WAKE = 32
"""How many are passed on before other work gets its turn: of handshakes, 10 ms."""

log = get_logger("port")


class NativePort:
    """A `MediaPort` in the core. `open()` binds it and starts the threads, `close()` ends both."""

    _listener: PortListener
    transcoders: TranscoderListener
    """Is told of transcoders. The engine puts itself there."""

    def __init__(self, *, threads: int, gathering: float, people: int, cache: int, report: Report) -> None:
        """A thread rests for `gathering` seconds where there is enough to gather. `people` are admitted at most: the
        sockets' buffers are sized for them. `cache` bytes may be kept for retransmission."""
        self._threads = threads
        self._gathering = gathering
        self._buffer = wanted_buffer(people)
        self._cache = cache
        self._report = report
        self._core: Core | None = None
        self._watch = Watch()
        self._tasks = Tasks("media port", report)

    @property
    def core(self) -> Core:
        """For the engine, which shares it. There is none before `open()`, nor after `close()`."""
        if self._core is None:
            raise RuntimeError("the media port is not open")
        return self._core

    def open(self, hosts: Sequence[str], port: int, listener: PortListener) -> None:
        """Bind `port` on each of `hosts`, or on all addresses of both families when there are none.

        Raises:
            ConfigurationError: the port can't be bound.
        """
        self._listener = listener
        try:
            try:
                self._core = self._start(hosts or ("0.0.0.0", "::"), port)  # noqa: S104 - its purpose
            except OSError as cause:
                if hosts or cause.filename != "::" or cause.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    raise
                log.info("ipv6_unavailable")
                self._core = self._start(("0.0.0.0",), port)  # noqa: S104 - as above
        except OSError as cause:
            raise not_opened("media", "UDP", cause.filename, port, cause) from cause
        for granted in self._core.granted():
            if min(granted.receive, granted.send) < self._buffer // self._threads:
                log.warning(
                    "socket_buffers_small",
                    host=granted.host,
                    wanted=self._buffer // self._threads,
                    receive=granted.receive,
                    send=granted.send,
                    remedy="raise net.core.rmem_max and net.core.wmem_max",
                )
        asyncio.get_running_loop().add_reader(self._core.fileno(), self._readable)
        self._tasks.repeat("watch", LOOK_INTERVAL, self._look_after_threads)

    def admit(self, peer: PeerId, local: Credentials, remote: Credentials) -> None:
        self.core.admit(peer, local, remote)

    def release(self, peer: PeerId) -> None:
        if self._core is not None:
            self._core.release(peer)

    def adopt(self, connection: socket.socket) -> None:
        if self._core is None or not prepare(connection):
            connection.close()
        else:
            self._core.adopt(connection.detach())

    def admit_turn(self, username: str, key: bytes) -> None:
        self.core.admit_turn(username, key)

    def release_turn(self, username: str) -> None:
        if self._core is not None:
            self._core.release_turn(username)

    def tell_turn_peers(self, addresses: Sequence[tuple[str, int]]) -> None:
        self.core.tell_turn_peers(list(addresses))

    def adopt_turn(self, connection: socket.socket, tls: "TlsConnection | None", first: bytes) -> None:
        if self._core is None or not prepare(connection):
            connection.close()
        else:
            self._core.adopt_turn(connection.detach(), tls, first)

    def send_dtls(self, peer: PeerId, datagram: bytes) -> None:
        self.core.send_dtls(peer, datagram)

    async def close(self) -> None:
        await self._tasks.close()
        if self._core is not None:
            core, self._core = self._core, None
            asyncio.get_running_loop().remove_reader(core.fileno())
            core.close()

    def _start(self, hosts: Sequence[str], port: int) -> Core:
        return Core(
            list(hosts),
            port,
            threads=self._threads,
            buffer=self._buffer,
            consent=bindings.CONSENT_TIMEOUT,
            silence=bindings.QUIET_TIMEOUT,
            gathering=self._gathering,
            cache=self._cache,
        )

    def _look_after_threads(self) -> None:
        if hanging := self._watch.look(self.core.turns()):
            names = " and ".join(hanging)
            self._report("media threads", FatalError(f"{names}: no progress for {HANGS_AFTER * LOOK_INTERVAL:.0f} s"))

    def _readable(self) -> None:
        # A handshake's last flight and its keys are one wake of a media thread.
        self.core.gather()
        try:
            for event in self.core.events(EVENTS_PER_WAKE):
                try:
                    self._pass_on(event)
                except Exception as failure:
                    # The others are of other people.
                    self._report("media event", failure)
        finally:
            self.core.wake()
        for number, packet in self.core.for_transcoders(EVENTS_PER_WAKE):
            try:
                self.transcoders.for_transcoder(PeerId(number), packet)
            except Exception as failure:
                self._report("transcoder", failure)

    def _pass_on(self, event: "Event") -> None:
        match event:
            case DtlsReceived():
                self._listener.dtls_received(PeerId(event.peer), event.datagram)
            case FlowSelected():
                path = Path(event.remote_host, event.remote_port, event.local_host, Transport(event.transport))
                self._listener.flow_selected(PeerId(event.peer), path)
            case FlowSilent():
                self._listener.flow_quiet(PeerId(event.peer))
            case FlowResumed():
                self._listener.flow_heard(PeerId(event.peer))
            case FlowLost():
                self._listener.flow_lost(PeerId(event.peer))
            case NoCommonCodec():
                self.transcoders.lacks_codec(PeerId(event.peer), event.medium, event.seat)
            case ThreadDied():
                self._report("media thread", FatalError(event.message))
            case _:
                assert_never(event)
