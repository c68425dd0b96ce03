"""Which engine runs, and with which media port: the two are chosen together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from relay import native
from relay.config.settings import EngineChoice, MediaSettings
from relay.errors import ConfigurationError
from relay.machine import process
from relay.machine.capacity import threads_of
from relay.media.engine import Engine, EngineListener
from relay.media.frames.engine import FramesEngine
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

    @property
    def takes_turn(self) -> bool:
        """Whether there is TURN inside the port."""
        return self.choice is EngineChoice.PACKETS


def choose(media: MediaSettings, *, people: int, cache: int, drops: Drops, report: Report) -> Media:
    """Build what the settings ask for, for so many people; without a choice it is packets where
    the native core is built, else frames. Packets keeps `cache` bytes for retransmission at most.

    Raises:
        ConfigurationError: packets were asked for, but the core is not built.
    """
    choice = media.engine or (EngineChoice.PACKETS if native.BUILT else EngineChoice.FRAMES)
    if choice is EngineChoice.FRAMES:
        cause = "as configured" if media.engine else "the native core is not built"
        return _frames(media, drops, report, f"decodes and encodes again in Python: {cause}")
    if not native.BUILT:
        raise ConfigurationError(
            "`engine` is packets, but the native core is not built. Install a Rust toolchain (rustup) and install"
            " the package again, or set `engine` to frames."
        )
    cause = "as configured" if media.engine else "the native core is built"
    return _packets(media, people, cache, drops, report, f"forwards packets in the native core: {cause}")


def _frames(media: MediaSettings, drops: Drops, report: Report, reason: str) -> Media:
    port = AsyncioPort(drops, report)
    engine = FramesEngine(port, drops, media.max_bitrate, report)

    def open_port(hosts: Sequence[str], number: int, listener: MediaListener) -> None:
        port.open(hosts, number, listener, engine.receive)

    return Media(engine, port, open_port, EngineChoice.FRAMES, reason)


def _packets(media: MediaSettings, people: int, cache: int, drops: Drops, report: Report, reason: str) -> Media:
    # Here, because these modules need the core in order to be imported.
    from relay.media.packets import PacketsEngine
    from relay.transport.native import NativePort

    port = NativePort(
        threads=threads_of(media),
        gathering=media.max_gathering / 1_000,
        people=people,
        cache=cache,
        report=report,
    )
    transcoders = max(1, int(process.cpu_limit())) if media.transcoders is None else media.transcoders
    engine = PacketsEngine(port, drops, media.max_bitrate, transcoders, report)

    def open_port(hosts: Sequence[str], number: int, listener: MediaListener) -> None:
        engine.listener = listener
        port.open(hosts, number, listener)

    return Media(engine, port, open_port, EngineChoice.PACKETS, reason)
