"""The composition root: builds everything, wires the layers, starts and stops them in order."""

import asyncio

from relay import __version__
from relay.config import EngineChoice, Settings
from relay.matchmaking.matchmaker import Matchmaker
from relay.media.connections import Connections
from relay.media.frames.engine import FramesEngine
from relay.media.switchboard import Switchboard
from relay.observe.drops import Drops
from relay.observe.logging import get_logger
from relay.peer.aiortc_bridge import SharedCertificate
from relay.protocol.limits import DEFAULT_LIMITS
from relay.room.host import RoomHost
from relay.session.sessions import Directory, Sessions
from relay.transport.addresses import advertised
from relay.transport.udp import UdpPort
from relay.web.gateway import Gateway
from relay.web.health import Health
from relay.web.server import WebServer

log = get_logger("app")


class Relay:
    """A whole server. `start()` returns when it takes people, `stop()` when it holds nothing any more."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.addresses = advertised(settings.public_address)
        self.drops = Drops()
        self._port = UdpPort(self.drops, report)
        self.engine = FramesEngine(self._port, self.drops, report)
        self._directory = Directory()
        switchboard = Switchboard(self.engine)
        self._connections = Connections(
            self._port,
            self.engine,
            switchboard,
            SharedCertificate(),
            self.addresses,
            settings.udp_port,
            self.drops,
            report,
            lost=self._directory.connection_lost,
        )
        self._rooms = RoomHost(switchboard, self._directory.tell)
        self._matchmaker = Matchmaker(self._rooms, self._directory.tell)
        sessions = Sessions(
            self._directory, self._matchmaker, self._rooms, self._connections, DEFAULT_LIMITS, settings.max_people
        )
        self._web = WebServer(Gateway(sessions, DEFAULT_LIMITS, report), self.health)

    async def start(self) -> None:
        """Open the media port, then the HTTP port.

        Raises:
            ConfigurationError: a port can't be bound; nothing is left open.
        """
        self._port.open(self.settings.bind, self.settings.udp_port, self._connections, self.engine.receive)
        try:
            await self._web.open(self.settings.bind, self.settings.port)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Send people away, then end their connections, the engine and the port. Idempotent."""
        await self._web.close()
        await self._connections.close()
        await self.engine.stop()
        await self._port.close()

    def health(self) -> Health:
        return Health(
            status="ok",
            version=__version__,
            engine=EngineChoice.FRAMES.value,
            people=len(self._directory),
            waiting=len(self._matchmaker),
            rooms=len(self._rooms),
        )


def report(task: str, failure: BaseException) -> None:
    """A task failed that should not have: say so once, with its cause."""
    log.error("task_failed", task=task, exc_info=failure)


async def serve(settings: Settings, stopping: asyncio.Event) -> None:
    """Run a server until `stopping` is set."""
    relay = Relay(settings)
    await relay.start()
    try:
        log.info(
            "serving",
            open=f"http://localhost:{settings.port}",
            engine=f"{settings.engine.value} (decodes and encodes again in Python)",
            media_port=f"udp {settings.udp_port}",
            advertised=", ".join(relay.addresses),
        )
        await stopping.wait()
    finally:
        await relay.stop()
        log.info("stopped")
