"""What so many people take of machines, and what to set for them: `relay size`. Pure: it looks at no machine.

Each constant says what was measured, and by which command. Hosts differ by a factor of three, so an operator who has
measured gives their own (`Basis`). `docs/sizing.md` has the model in words, and its results for three sizes.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from relay.machine.capacity import CONNECTIONS_PER_PERSON, DESCRIPTORS_PER_PERSON, PACKETS_PER_THREAD
from relay.transport.udp import wanted_buffer

SOUND_PACKETS = 50
"""A second: one each 20 ms."""
SOUND_BITRATE = 32_000
PICTURE_BYTES = 1_136
"""Of picture in one packet, as browsers send it and `make bench` plays it: 110 packets a second at 1 Mbit/s."""
PACKET_OVERHEAD = 66
"""Bytes of each packet besides: IP, UDP, RTP with its extensions, SRTP's tag."""

KEPT_SECONDS = 0.8
"""For which packets of picture are kept for retransmission (`relay/native/src/forward/sent.rs`)."""
KEPT_OVERHEAD = 80
"""Bytes that keeping one packet takes besides."""
SPARE = 1.5
"""So many times the average is allowed of what has a limit: pictures are not all alike."""

SERVER_BYTES = 150_000_000
"""Of memory, with nobody there: 141 MB after the start, with the database open."""
PERSON_BYTES = 100 * 1024
"""Of memory for somebody who is connected, without kept packets: about 85 KiB were measured, and 192 with them at
1 Mbit/s (100 people)."""
TCP_BYTES = 128 * 1024
"""Of the kernel's memory for media over one TCP connection, at most: 64 KiB each way."""

LOOP_PER_PERSON = 30e-6
"""Of the event loop's core for somebody who talks: 30 who were played took 4.3 ms of each second, 60 took 5.3."""
FULL_CORE = 0.7
"""Of a core that is planned with. At `RELAY_MAX_CPU` (0.85) newcomers are refused."""
FULL_NETWORK = 0.8
"""Of a network card."""
MOST_THREADS = 64
"""`RELAY_MEDIA_THREADS` takes no more."""
DESCRIPTORS_BESIDE = 1_000
"""For pages, the operator and the server itself."""
TRACKED_PER_PERSON = 3
"""Connections in the firewall's table for one who talks: a WebSocket, and media by two of the browser's addresses."""
SMALLEST_TRACKING = 65_536
"""`nf_conntrack_max` of a small machine, by default."""

ADVICE = (
    "Hosts differ: one machine took 5 to 14 us a packet, on different days. Measure",
    "yours, and say --us-per-packet and --ms-per-join:",
    "  make bench     in a clone: the row `packets` with 300 people, us/packet and",
    "                 join CPU",
    "  /metrics       of a server in use, from 10,000 packets a second on:",
    "                 1e6 * rate(process_cpu_seconds_total[5m]) / ignoring(direction)",
    '                 rate(relay_media_packets_total{direction="out"}[5m])',
    "docs/sizing.md says where the figures are from, docs/tuning.md what a host can",
    "be told.",
)


@dataclass(frozen=True, slots=True)
class Demand:
    """Who comes. `bitrate` is the picture's, in bits a second for each person; shares are of the people (0 to 1)."""

    people: int
    bitrate: int = 1_000_000
    share_by_tcp: float = 0.05
    share_by_turn: float = 0.02
    return_within: float = 60.0
    """Seconds in which all come back after a restart."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What one thing costs on the host. CPU per packet is that of the whole process, for each packet that reaches
    somebody (`make bench`): over UDP with 300 people, over TCP and over TURN/TLS with 32, and of a join."""

    us_per_packet: float = 7.0
    us_over_tcp: float = 20.0
    us_over_turn: float = 22.0
    ms_per_join: float = 3.0
    """With 32 people: 2.8 (decision 22)."""

    def measured(self, us_per_packet: float | None, ms_per_join: float | None) -> "Basis":
        """The same where these were measured on another host: other paths cost as many times more there."""
        scale = (us_per_packet or self.us_per_packet) / self.us_per_packet
        return Basis(
            us_per_packet=self.us_per_packet * scale,
            us_over_tcp=self.us_over_tcp * scale,
            us_over_turn=self.us_over_turn * scale,
            ms_per_join=ms_per_join or self.ms_per_join,
        )


class Node(NamedTuple):
    """One machine with one server."""

    cores: int = 8
    mbits: float = 10_000.0
    """A second that its network takes each way."""


class Size(NamedTuple):
    """What people take when they all talk, on one machine."""

    people: int
    packets: float
    """A second, in; as many go out."""
    mbits: float
    """A second, each way."""
    media_cores: float
    loop_cores: float
    """Of the event loop, which has one core at most, while they talk."""
    returning_cores: float
    """The same while all return."""
    kept: int
    """Bytes of packets that may be retransmitted."""
    memory: int
    """Bytes, with what is kept and the system's buffers."""
    descriptors: int
    tracked: int
    """Entries in the firewall's table of connections, while all return."""

    @property
    def threads(self) -> int:
        """Media threads."""
        return max(1, math.ceil(self.media_cores / FULL_CORE))


def size(demand: Demand, basis: Basis) -> Size:
    """What they take together."""
    people = demand.people
    picture_packets = demand.bitrate / 8 / PICTURE_BYTES
    each = SOUND_PACKETS + picture_packets
    kept = people * KEPT_SECONDS * (demand.bitrate / 8 + picture_packets * KEPT_OVERHEAD)
    by_stream = demand.share_by_tcp + demand.share_by_turn
    us_per_packet = (
        (1 - by_stream) * basis.us_per_packet
        + demand.share_by_tcp * basis.us_over_tcp
        + demand.share_by_turn * basis.us_over_turn
    )
    joins = people / demand.return_within
    buffers = 2 * wanted_buffer(people) + people * by_stream * TCP_BYTES
    return Size(
        people=people,
        packets=people * each,
        mbits=people * (demand.bitrate + SOUND_BITRATE + 8 * PACKET_OVERHEAD * each) / 1e6,
        media_cores=people * each * us_per_packet / 1e6,
        loop_cores=people * LOOP_PER_PERSON,
        returning_cores=people * LOOP_PER_PERSON + joins * basis.ms_per_join / 1e3,
        kept=int(kept),
        memory=int(SERVER_BYTES + people * PERSON_BYTES + kept + buffers),
        descriptors=people * DESCRIPTORS_PER_PERSON + DESCRIPTORS_BESIDE,
        tracked=people * (TRACKED_PER_PERSON + CONNECTIONS_PER_PERSON),
    )


def people_for(node: Node, demand: Demand, basis: Basis) -> dict[str, int]:
    """How many of them each part of a machine carries."""
    one = size(replace(demand, people=1), basis)
    cores = min(node.cores * FULL_CORE / (one.media_cores + one.loop_cores), MOST_THREADS * FULL_CORE / one.media_cores)
    return {
        "cores": int(cores),
        "network": int(node.mbits * FULL_NETWORK / one.mbits),
        "event loop": int(FULL_CORE / one.returning_cores),
    }


def settings(of: Size) -> Iterator[tuple[str, int]]:
    """Of one server: each setting that has to be other than its default, and its value."""
    yield "RELAY_MEDIA_THREADS", of.threads
    yield "RELAY_MAX_PEOPLE", of.people
    if of.packets > PACKETS_PER_THREAD * of.threads:
        yield "RELAY_MAX_PACKETS", _rounded(SPARE * of.packets)
    yield "RELAY_MAX_CACHE", _rounded(SPARE * of.kept)


def system(of: Size) -> Iterator[tuple[str, int]]:
    """Of its host: each setting, and its value."""
    buffer = _rounded(wanted_buffer(of.people) / of.threads)
    yield "net.core.rmem_max", buffer
    yield "net.core.wmem_max", buffer
    if 2 * of.tracked > SMALLEST_TRACKING:
        yield "net.netfilter.nf_conntrack_max", _rounded(2 * of.tracked)
    yield "LimitNOFILE", of.descriptors


def in_words(demand: Demand, basis: Basis, node: Node) -> str:
    """For people, in lines of 80 characters at most."""
    most = people_for(node, demand, basis)
    nodes = math.ceil(demand.people / max(1, min(most.values())))
    part = size(replace(demand, people=math.ceil(demand.people / nodes)), basis)
    return "\n".join(
        (
            *_taken(demand, basis, size(demand, basis)),
            "",
            f"Machines of {node.cores} cores and {_mbits(node.mbits)}: {nodes}",
            f"  one carries  {', '.join(f'{people:,} by its {name}' for name, people in most.items())}",
            *(("  Servers know nothing of each other: people meet those of their own.",) if nodes > 1 else ()),
            "",
            f"Set for {part.people:,} people, on a machine with {_bytes(2 * part.memory)} of memory or more",
            *(f"  {name}={value}" for name, value in (*settings(part), *system(part))),
            "",
            *ADVICE,
        )
    )


def _taken(demand: Demand, basis: Basis, whole: Size) -> Iterator[str]:
    joins = demand.people / demand.return_within
    yield f"{demand.people:,} people who talk at once, each with {demand.bitrate / 1e6:.1f} Mbit/s of picture;"
    yield f"{demand.share_by_tcp:.0%} of them over TCP, {demand.share_by_turn:.0%} over TURN/TLS"
    yield ""
    yield "They take"
    yield f"  network      {_mbits(whole.mbits)} in, as much out"
    yield f"  packets      {_short(whole.packets)} a second in, as many out"
    yield f"  media        {whole.media_cores:.1f} cores: {basis.us_per_packet:.1f} us a packet over UDP,"
    yield f"               {basis.us_over_tcp:.1f} over TCP, {basis.us_over_turn:.1f} over TURN/TLS"
    yield f"  event loop   {whole.loop_cores:.2f} of its one core; {whole.returning_cores:.2f} while all return in"
    yield f"               {demand.return_within:.0f} s: {joins:.0f} joins a second of {basis.ms_per_join:.1f} ms"
    yield f"  memory       {_bytes(whole.memory)}, of it {_bytes(whole.kept)} of kept packets"
    yield f"  descriptors  {whole.descriptors:,}"
    yield f"  conntrack    {whole.tracked:,} entries, if the firewall tracks connections"
    yield "  ports        one, for UDP and TCP"


def _rounded(value: float) -> int:
    """Up, to two digits."""
    unit: int = 10 ** max(0, len(str(int(value))) - 2)
    return math.ceil(value / unit) * unit


def _mbits(value: float) -> str:
    return f"{value / 1_000:.1f} Gbit/s" if value >= 1_000 else f"{value:.0f} Mbit/s"


def _short(value: float) -> str:
    return f"{value / 1e6:.1f} million" if value >= 1e6 else f"{value:,.0f}"


def _bytes(value: float) -> str:
    mebi = value / 1024**2
    return f"{mebi / 1024:.1f} GiB" if mebi >= 1_024 else f"{mebi:.0f} MiB"
