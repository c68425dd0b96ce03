"""The media port in the native core: its threads own the sockets, STUN and the binding table.

Passes orders down and reports up. The core answers checks and moves media by itself, so neither waits
for the event loop; reports cross in batches when one file descriptor becomes readable.
"""

import asyncio
import errno
import socket
from collections.abc import Sequence

from relay.errors import FatalError
from relay.ids import PeerId
from relay.native import DTLS, FLOW_HEARD, FLOW_LOST, FLOW_QUIET, NO_COMMON_CODEC, Core
from relay.observe.logs.logging import get_logger
from relay.tasks import Report, Tasks
from relay.transport import bindings
from relay.transport.port import Credentials, Path, PortListener, TapListener, Transport
from relay.transport.ports import not_opened
from relay.transport.tcp import prepare
from relay.transport.udp import wanted_buffer
from relay.transport.watch import HANGS_AFTER, LOOK_INTERVAL, Watch

REPORTS_PER_WAKE = 128
"""How many are passed on before other work gets its turn."""

log = get_logger("port")


class NativePort:
    """A `MediaPort` in the core. `open()` binds it and starts the threads, `close()` ends both."""

    _listener: PortListener
    taps: TapListener
    """Hears of taps. The engine puts itself there."""

    def __init__(self, threads: int, people: int, report: Report) -> None:
        """`people` are admitted at most: the sockets' buffers are sized for them."""
        self._threads = threads
        self._buffer = wanted_buffer(people)
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
        for host, receive, send in self._core.granted():
            if min(receive, send) < self._buffer // self._threads:
                log.warning(
                    "socket_buffers_small",
                    host=host,
                    wanted=self._buffer // self._threads,
                    receive=receive,
                    send=send,
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

    def send_dtls(self, peer: PeerId, datagram: bytes) -> None:
        self.core.send_dtls(peer, datagram)

    async def close(self) -> None:
        await self._tasks.close()
        if self._core is not None:
            core, self._core = self._core, None
            asyncio.get_running_loop().remove_reader(core.fileno())
            core.close()

    def _start(self, hosts: Sequence[str], port: int) -> Core:
        return Core(list(hosts), port, self._threads, self._buffer, bindings.CONSENT_TIMEOUT, bindings.QUIET_TIMEOUT)

    def _look_after_threads(self) -> None:
        if hanging := self._watch.look(self.core.turns()):
            names = " and ".join(hanging)
            self._report("media threads", FatalError(f"{names}: no progress for {HANGS_AFTER * LOOK_INTERVAL:.0f} s"))

    def _readable(self) -> None:
        for report in self.core.reports(REPORTS_PER_WAKE):
            try:
                self._pass_on(*report)
            except Exception as failure:
                # The others are of other people.
                self._report("media report", failure)
        for number, packet in self.core.tapped(REPORTS_PER_WAKE):
            try:
                self.taps.tapped(PeerId(number), packet)
            except Exception as failure:
                self._report("tap", failure)

    def _pass_on(self, kind: int, number: int, content: bytes, path: tuple[str, int, str, bool] | None) -> None:
        peer = PeerId(number)
        if kind == DTLS:
            self._listener.dtls_received(peer, content)
        elif path is not None:
            remote_host, remote_port, local_host, is_tcp = path
            transport = Transport.TCP if is_tcp else Transport.UDP
            self._listener.flow_selected(peer, Path(remote_host, remote_port, local_host, transport))
        elif kind == FLOW_QUIET:
            self._listener.flow_quiet(peer)
        elif kind == FLOW_HEARD:
            self._listener.flow_heard(peer)
        elif kind == FLOW_LOST:
            self._listener.flow_lost(peer)
        elif kind == NO_COMMON_CODEC:
            self.taps.lacks_codec(peer, content[0])
        else:
            self._report("media thread", FatalError(content.decode(errors="replace")))
