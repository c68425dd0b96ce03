"""Asks the owners of all figures, when somebody wants them: nothing is kept here."""

from collections.abc import Callable
from dataclasses import dataclass

from relay import __version__
from relay.figures.figures import Figures
from relay.ledger.turns import Turns
from relay.machine.capacity import Bound, Capacity, Counters
from relay.matchmaking.matchmaker import Matchmaker
from relay.media.connections import MediaConnections
from relay.media.engine import Engine, Links, links
from relay.observe.tally import Tally
from relay.room.host import RoomHost
from relay.session.directory import Directory
from relay.store.records import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The owners."""

    engine_name: str
    bound: Bound
    engine: Engine
    directory: Directory
    matchmaker: Matchmaker
    rooms: RoomHost
    connections: MediaConnections
    capacity: Capacity
    turns: Turns
    tally: Tally
    records: Records
    web_connections: Callable[[], int]
    is_ready: Callable[[], bool]
    certificate_ends: Callable[[], float | None]

    def figures(self) -> Figures:
        """Everything at this moment."""
        return Figures(
            version=__version__,
            engine=self.engine_name,
            ready=self.is_ready(),
            people=len(self.directory),
            capacity=self.capacity.limits.people,
            bound=self.bound.value,
            certificate_ends=self.certificate_ends(),
            used=self.capacity.used,
            shares=self.capacity.shares(),
            waiting=len(self.matchmaker),
            rooms=len(self.rooms),
            talking=self.rooms.people,
            media_connections=len(self.connections),
            web_connections=self.web_connections(),
            held_back=len(self.turns),
            paths=dict(self.tally.paths + self.connections.paths()),
            media=self.engine.stats(),
            store=self.records.figures,
        )

    def links(self) -> Links:
        """How the links of those who talk are."""
        return links(self.engine.peer_stats().values())

    def counters(self) -> Counters:
        """What the engine's load is measured by."""
        media = self.engine.stats()
        return Counters(packets=media.packets_received, cache=media.bytes_kept)
