"""Servers that take turns under the same load, each with a generator of its own.

What a packet costs changes from second to second: with the clock of the processor, with what neighbours do to
its caches, with what else runs. So the servers that are compared stand beside each other with everybody connected,
and are measured in short turns, one after the other and around again. What disturbs them for longer than a round
disturbs them all, and what is shorter spoils a few turns, which the median leaves out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles

from tests.bench import servers
from tests.bench.usage import core_seconds, cpu_seconds, own_kib
from tests.kit import generator
from tests.kit.generator import Player


@dataclass(frozen=True, slots=True)
class Cores:
    """All are kept awake (`awake.py`)."""

    server: int
    generator: int
    spinner: int
    """The process that keeps the server's awake."""
    second: int | None = None
    """For a second media thread."""

    @property
    def are_shared(self) -> bool:
        """A server with two media threads has the generator's core, too."""
        return self.second == self.generator


@dataclass(frozen=True, slots=True)
class Turn:
    """What one measurement saw."""

    cpu: float
    """Seconds of the server's processes."""
    received: int
    """Packets that reached people."""
    foreign: float
    """Seconds in which others had the server's core."""


@dataclass(slots=True)
class Contender:
    """One server and its people. Reads the server's clocks when the generator's phases change."""

    engine: str
    people: int
    server: servers.Server
    cores: Cores
    idle_cpu: float
    idle_kib: int
    joined_cpu: float | None = None
    talking_kib: int = 0
    turns: list[Turn] = field(default_factory=list)
    _before: tuple[float, float, int] = (0.0, 0.0, 0)

    def note(self, phase: str, received: int) -> None:
        cpu = _cpu_seconds(self.server)
        busy = core_seconds(self.cores.server) - cpu_seconds(self.cores.spinner)
        if phase == "pairing":
            self.joined_cpu = cpu
        elif phase == "measuring":
            self._before = (cpu, busy, received)
        elif phase == "draining":
            before = self._before
            used = cpu - before[0]
            foreign = max(busy - before[1] - used, 0.0)
            self.turns.append(Turn(used, received - before[2], foreign))
            self.talking_kib = _own_kib(self.server)

    def us_per_packet(self) -> float:
        return median(self._costs())

    def spread(self) -> float:
        """How far the middle half of the turns lies apart, as a fraction of the median."""
        if len(self.turns) < 2:
            return 0.0
        lower, _, upper = quantiles(self._costs(), n=4, method="inclusive")
        return (upper - lower) / self.us_per_packet()

    def core_percent(self, seconds: float) -> float:
        return 100 * median(turn.cpu for turn in self.turns) / seconds

    def foreign_percent(self, seconds: float) -> float | None:
        """None for a server on two cores: only one of them is watched."""
        if self.server.cores > 1:
            return None
        return 100 * median(turn.foreign for turn in self.turns) / seconds

    def join_cpu_ms(self) -> float | None:
        return None if self.joined_cpu is None else 1e3 * (self.joined_cpu - self.idle_cpu) / self.people

    def kib_per_person(self) -> float:
        return (self.talking_kib - self.idle_kib) / self.people

    def _costs(self) -> list[float]:
        return [1e6 * turn.cpu / max(turn.received, 1) for turn in self.turns]


def _cpu_seconds(server: servers.Server) -> float:
    return sum(map(cpu_seconds, server.pids))


def _own_kib(server: servers.Server) -> int:
    return sum(map(own_kib, server.pids))


@contextmanager
def enter(
    engine: str, server: servers.Server, people: int, options: list[str], cores: Cores
) -> Iterator[tuple[Contender, Player]]:
    """Let people connect to a server, and rest."""
    idle = (_cpu_seconds(server), _own_kib(server))
    contender = Contender(engine, people, server, cores, *idle)
    standing_by = generator.stand_by(
        server.route, server.address, *options, core=cores.generator, on_phase=contender.note
    )
    with standing_by as player:
        yield contender, player
