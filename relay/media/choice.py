"""Which engine runs, and with which media port: the two are chosen together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from relay import native
from relay.config import EngineChoice, Settings
from relay.errors import ConfigurationError
from relay.media.engine import Engine, EngineListener
from relay.media.frames.engine import FramesEngine
from relay.observe import process
from relay.observe.drops import Drops
from relay.tasks import Report
from relay.transport.asyncio_port import AsyncioPort
from relay.transport.port import MediaPort, PortListener


class MediaListener(PortListener, EngineListener, Protocol):
    """Hears of both."""


@dataclass(frozen=True, slots=True)
class Media:
    """An engine, the port it works on, and how to open that."""

    engine: Engine
    port: MediaPort
    open: Callable[[Sequence[str], int, MediaListener], None]
    """Bind on these hosts and this port, and report to the listener. Raises ConfigurationError."""
    choice: EngineChoice
    reason: str
    """What the engine does and why it was chosen, for the start-up line."""


def choose(settings: Settings, drops: Drops, report: Report) -> Media:
    """Build what the settings ask for: by default packets where the native core is built, else frames.

    Raises:
        ConfigurationError: packets were asked for, but the core is not built.
    """
    choice = settings.engine or (EngineChoice.PACKETS if native.BUILT else EngineChoice.FRAMES)
    if choice is EngineChoice.FRAMES:
        cause = "as configured" if settings.engine else "the native core is not built"
        return _frames(settings, drops, report, f"decodes and encodes again in Python: {cause}")
    if not native.BUILT:
        raise ConfigurationError(
            "`engine` is packets, but the native core is not built. Install a Rust toolchain (rustup) and install"
            " the package again, or set `engine` to frames."
        )
    cause = "as configured" if settings.engine else "the native core is built"
    return _packets(settings, drops, report, f"forwards packets in the native core: {cause}")


def _frames(settings: Settings, drops: Drops, report: Report, reason: str) -> Media:
    port = AsyncioPort(drops, report)
    engine = FramesEngine(port, drops, settings.max_bitrate, report)

    def open_port(hosts: Sequence[str], number: int, listener: MediaListener) -> None:
        port.open(hosts, number, listener, engine.receive)

    return Media(engine, port, open_port, EngineChoice.FRAMES, reason)


def _packets(settings: Settings, drops: Drops, report: Report, reason: str) -> Media:
    # Here, because these modules need the core in order to be imported.
    from relay.media.packets import PacketsEngine
    from relay.transport.native import NativePort

    port = NativePort(settings.media_threads, settings.max_people, report)
    transcoders = max(1, int(process.cpu_limit())) if settings.transcoders is None else settings.transcoders
    engine = PacketsEngine(port, drops, settings.max_bitrate, transcoders, report)

    def open_port(hosts: Sequence[str], number: int, listener: MediaListener) -> None:
        engine.listener = listener
        port.open(hosts, number, listener)

    return Media(engine, port, open_port, EngineChoice.PACKETS, reason)
