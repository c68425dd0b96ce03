"""What everybody may know of the server, at `/videochat/stats`."""

import msgspec

from relay.figures.figures import Figures
from relay.observe.tally import Tally


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """The first five are of now, the rest since start."""

    capacity_used: float
    people: int
    waiting: int
    rooms: int
    media_connections: int
    connections: int
    resumes: int
    matches: int
    waits: int
    waited_seconds: float
    setups_succeeded: int
    setups_failed: dict[str, int]
    paths: dict[str, int]
    connections_lost: dict[str, int]
    refusals: dict[str, int]
    packets_received: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int
    drops: dict[str, int]


OF_MEDIA = ("packets_received", "packets_sent", "bytes_received", "bytes_sent", "drops")


def stats_of(figures: Figures, tally: Tally) -> Stats:
    return Stats(
        capacity_used=round(figures.used, 3),
        people=figures.people,
        waiting=figures.waiting,
        rooms=figures.rooms,
        media_connections=figures.media_connections,
        connections=tally.connections,
        resumes=tally.resumes,
        matches=tally.matches,
        waits=tally.waits,
        waited_seconds=round(tally.waited_seconds, 3),
        setups_succeeded=tally.setups_succeeded.total(),
        setups_failed=dict(tally.setups_failed_by_reason()),
        paths=figures.paths,
        connections_lost=dict(tally.connections_lost),
        refusals={code.value: amount for code, amount in tally.refusals.items()},
        **{name: getattr(figures.media, name) for name in OF_MEDIA},
    )
