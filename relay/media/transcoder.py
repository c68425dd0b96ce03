"""Pictures for browsers that have no video codec in common with their partner: decoded, and encoded as they need them.

A transcoder is a peer of the core that has no browser: what its slot is shown comes up as plain RTP, goes through a
`FramesPeer` that shows itself what it receives, and what that encodes goes down as plain RTP of the transcoder's line,
which the partner's slot shows. So keyframe gating, sequence numbers, retransmissions, caps and reports are the core's
own, on both sides; a watcher's PLI and cap reach the encoder as RTCP, as they would reach a browser.

Transcoders begin when the core says that a slot can't show what comes, and end with the route or when nothing comes any
more. Sound is never transcoded: everybody has Opus.
"""

import asyncio
import itertools
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from relay import clock
from relay.ids import PeerId
from relay.ledger.addresses import Group
from relay.ledger.table import Table, Takes
from relay.media.frames.peer import FramesPeer, Traffic
from relay.media.terms import FRAMES
from relay.observe.drops import Drop, Drops
from relay.peer.lines import Codec, DtlsRole, LineId, Medium, Negotiated, NegotiatedLine, NegotiatedSlot, SlotId
from relay.tasks import Report, Tasks
from relay.transport.native import NativePort
from relay.transport.port import Credentials

FIRST_TRANSCODER = 1 << 48
"""Number of the first transcoder's peer: connections count from one."""

IDLE = 10.0
"""Seconds without a packet after which a transcoder ends. It begins anew with the next."""

NICENESS = 5
"""Of the threads that decode and encode: on a full machine pictures get coarse before calls break."""

CONVERTIBLE = FRAMES.video
"""Codecs that can be decoded and encoded."""
_INCOMING = {name: 96 + number for number, name in enumerate(CONVERTIBLE)}
_OUTGOING = 96 + len(CONVERTIBLE)
"""Payload types within the process."""


@dataclass(slots=True)
class _Transcoder:
    peer: PeerId
    slot: SlotId
    source: LineId
    frames: FramesPeer
    heard_at: float


class Transcoders:
    """All transcoders of the process. Used by the packets engine alone."""

    def __init__(
        self,
        port: NativePort,
        most: int,
        bitrate: int,
        drops: Drops,
        report: Report,
        taken: Callable[[SlotId], None],
    ) -> None:
        """`most` at once, each sending `bitrate` bits per second at most. `taken` is called when a slot loses its
        transcoder to that of an address which had fewer."""
        self._port = port
        self._most = most
        self._taken = taken
        # The newest goes: who has seen their partner for long goes on seeing them.
        self._table: Table[SlotId] = Table(most, Takes.NEWEST)
        self._bitrate = bitrate
        self._drops = drops
        self._report = report
        self._numbers = itertools.count(FIRST_TRANSCODER)
        self._slots: dict[SlotId, _Transcoder] = {}
        self._peers: dict[PeerId, _Transcoder] = {}
        self._encoded = 0
        self._workers: ThreadPoolExecutor | None = None
        self._tasks = Tasks("transcoders", report)
        self._sweeping: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, slot: SlotId) -> bool:
        return slot in self._slots

    @property
    def encoded(self) -> int:
        """Pictures since start."""
        return self._encoded + sum(transcoder.frames.encoded for transcoder in self._slots.values())

    def slot_of(self, peer: PeerId) -> SlotId | None:
        """What the transcoder with this number feeds, if there is such a one."""
        transcoder = self._peers.get(peer)
        return transcoder.slot if transcoder else None

    def begin(self, slot: SlotId, source: LineId, codecs: Sequence[Codec], groups: tuple[Group, ...]) -> bool:
        """Show `source` in `slot` through a transcoder, in the first of its `codecs` that can be encoded, for somebody
        whose address is in these groups. If there are as many as there may be, it takes one of the address with most.

        False if there is none to be had, or no such codec.
        """
        wanted = next((codec.name for codec in codecs if codec.name in CONVERTIBLE), None)
        if wanted is None:
            return False
        taken = self._table.enter(slot, groups)
        if taken == slot:
            return False
        if taken is not None:
            self.end(taken)
            self._taken(taken)
        peer = PeerId(next(self._numbers))
        ssrcs = [1 + secrets.randbelow(0xFFFF_FFF0) for _ in range(2)]
        frames = FramesPeer(
            peer,
            _negotiated(slot.medium, wanted, ssrcs),
            self._bitrate,
            lambda packet: self._send(peer, packet),
            Traffic(),
            self._drops,
            self._report,
            self._threads(),
        )
        transcoder = _Transcoder(peer, slot, source, frames, clock.monotonic())
        self._slots[slot] = self._peers[peer] = transcoder
        frames.trust()
        frames.show(slot.medium, frames.watch(slot.medium))
        core = self._port.core
        core.open_transcoder(peer, *_within_the_core(slot.medium, wanted, ssrcs), self._bitrate)
        core.route(SlotId(peer, slot.medium), source)
        core.route(slot, LineId(peer, slot.medium))
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = self._tasks.start("sweep", self._sweep())
        return True

    def end(self, slot: SlotId) -> None:
        """The slot shows nothing any more. Idempotent."""
        self._table.leave(slot)
        transcoder = self._slots.pop(slot, None)
        if transcoder is None:
            return
        del self._peers[transcoder.peer]
        self._encoded += transcoder.frames.encoded
        self._port.core.close_peer(transcoder.peer)
        self._port.release(transcoder.peer)
        self._tasks.start(f"close transcoder {transcoder.peer}", transcoder.frames.close())

    def end_of(self, peer: PeerId) -> None:
        """The person has left."""
        for transcoder in list(self._slots.values()):
            if peer in (transcoder.slot.peer, transcoder.source.peer):
                self.end(transcoder.slot)

    def receive(self, peer: PeerId, packet: bytes) -> None:
        """Plain RTP or RTCP from the core."""
        if transcoder := self._peers.get(peer):
            # The core reports on a silent source, too.
            if not 64 <= packet[1] & 0x7F <= 95:
                transcoder.heard_at = clock.monotonic()
            transcoder.frames.receive(packet)

    async def close(self) -> None:
        """End all transcoders. Idempotent."""
        for slot in list(self._slots):
            self.end(slot)
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._tasks.finish()
        if self._workers is not None:
            self._workers.shutdown(wait=False, cancel_futures=True)

    def _send(self, peer: PeerId, packet: bytes) -> None:
        if peer in self._peers and not self._port.core.inject(peer, packet):
            self._drops.count(Drop.TRANSCODER_BACKLOG)

    def _threads(self) -> ThreadPoolExecutor:
        """As many as there may be transcoders, so those take no more cores than that. Started as they are needed."""
        if self._workers is None:
            self._workers = ThreadPoolExecutor(self._most, "codec", initializer=_give_way)
        return self._workers

    async def _sweep(self) -> None:
        while self._slots:
            await asyncio.sleep(IDLE / 10)
            now = clock.monotonic()
            for transcoder in [transcoder for transcoder in self._slots.values() if now - transcoder.heard_at > IDLE]:
                self.end(transcoder.slot)
                self._port.core.route(transcoder.slot, transcoder.source)


def _negotiated(medium: Medium, wanted: str, ssrcs: Sequence[int]) -> Negotiated:
    """As if a browser had offered to send what can be decoded, and to receive what is wanted."""
    return Negotiated(
        (NegotiatedLine("", medium, _incoming(), (), ssrcs[0], None),),
        (NegotiatedSlot("", medium, (_codec(wanted, _OUTGOING),), (), ssrcs[1], 0),),
        (),
        Credentials("", ""),
        DtlsRole.SERVER,
        "",
    )


def _within_the_core(medium: Medium, wanted: str, ssrcs: Sequence[int]) -> tuple[NegotiatedLine, NegotiatedSlot]:
    """The same from the core's side: the transcoder sends what is wanted, and receives what can be decoded."""
    return (
        NegotiatedLine("", medium, (_codec(wanted, _OUTGOING),), (), ssrcs[1], None),
        NegotiatedSlot("", medium, _incoming(), (), ssrcs[0], ssrcs[0] + 1),
    )


def _incoming() -> tuple[Codec, ...]:
    return tuple(_codec(name, payload_type) for name, payload_type in _INCOMING.items())


def _codec(name: str, payload_type: int) -> Codec:
    return Codec(name, payload_type, 90_000, None, (), (("nack", "pli"),), None)


def _give_way() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
