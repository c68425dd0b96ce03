"""Mutations of what people send, into every parser that is written in Python.

`python -m tests.hostile.fuzz --seconds 600` runs each target so long; `test_fuzz.py` runs each for a moment and
replays what is saved. An input that breaks a parser is saved under `corpus/` and is a test from then on.
The parsers in Rust have their own targets (`relay/native/fuzz`).
"""

import argparse
import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from relay.errors import RelayError
from relay.front.first_bytes import Judge
from relay.ids import PeerId
from relay.media.frames.peer import FramesPeer, Traffic
from relay.observe.drops import Drops
from relay.peer.candidates import Reach
from relay.peer.lines import Fingerprint, Medium
from relay.peer.negotiation import LocalEnd, Terms, consider
from relay.protocol.codec import decode
from relay.protocol.limits import Limits
from relay.transport.bindings import BindingTable
from relay.transport.framing import Deframer, FramingError, frame
from relay.transport.port import Credentials
from relay.transport.port import Path as Route
from relay.transport.records import is_sensible
from tests.hostile.lies import rtcp_lies, rtp, rtp_lies, storm
from tests.kit.call import check
from tests.kit.clients import chromium, firefox, munged
from tests.kit.datagrams import client_hello
from tests.kit.offers import ROLES, offer

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 60_000
"""Bytes of one input."""

SLOWEST = 0.25
"""Seconds that one input may take, on a busy machine. One who offers keeps everybody else waiting so long."""

LIMITS = Limits(message_bytes=65_536, chat_characters=2_000, sdp_bytes=49_152, sdp_lines=1_200, candidates=64)
LOCAL_END = LocalEnd("ufrag", "p" * 32, (Fingerprint("sha-256", "AB"),), Reach(("192.0.2.1",), 443))
TERMS = Terms(
    audio=("opus",),
    video=("VP8", "H264", "VP9", "AV1"),
    line_feedback=(("nack", None), ("nack", "pli"), ("transport-cc", None)),
    slot_feedback=(("nack", None), ("goog-remb", None)),
)
HOME = Route("192.0.2.10", 40_000, "198.51.100.1")

BITRATE = 100_000_000
"""So much that it takes long until nothing is read any more."""

Target = Callable[[bytes], None]


def _codec(content: bytes) -> None:
    with contextlib.suppress(RelayError):
        decode(content, LIMITS)


def _negotiation(content: bytes) -> None:
    with contextlib.suppress(RelayError):
        consider(content.decode(errors="replace"), ROLES, TERMS).answer(LOCAL_END, range(1, 7))


def _framing(content: bytes) -> None:
    Judge().look(content)
    deframer = Deframer()
    with contextlib.suppress(FramingError):
        for at in range(0, len(content), 700):
            assert all(deframer.feed(content[at : at + 700]))


def _stun(content: bytes) -> None:
    table = BindingTable()
    table.admit(PeerId(1), Credentials("ann", "p" * 24), Credentials("them", "q" * 24))
    table.receive_stun(content, HOME, 0.0)


def _records(content: bytes) -> None:
    is_sensible(content)


BEGINNINGS = b"\x90\x80\x80\x07\x10\x02\x00\x9d\x01\x2a", b"\x78\x00\x02\x67\x42"
"""Of pictures in VP8 and H264."""


class _Frames:
    """A person of the frames engine, who is watched and watches: RTP and RTCP in the clear, each behind its length."""

    LENGTH = 2
    """Bytes that say how long the next packet is."""

    AT_ONCE = 400
    """Inputs until there is somebody new."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._failures: list[BaseException] = []
        self._peer: FramesPeer | None = None
        self._inputs = 0
        """That they were given."""
        self._terms = replace(TERMS, video=("VP8", "H264"), line_feedback=(("nack", None), ("nack", "pli")))
        self._negotiated = consider(offer(), ROLES, self._terms).answer(LOCAL_END, range(1, 7))

    @staticmethod
    def packed(packets: Sequence[bytes]) -> bytes:
        return b"".join(len(packet).to_bytes(_Frames.LENGTH) + packet for packet in packets)

    def seeds(self) -> tuple[bytes, ...]:
        camera = next(line for line in self._negotiated.lines if line.medium is Medium.CAMERA)
        slot = next(slot for slot in self._negotiated.slots if slot.medium is Medium.CAMERA)
        ssrc = camera.ssrc or 0
        pictures = [
            rtp(ssrc, number, payload, payload_type=codec.payload_type, time=3_000 * number)
            for codec, payload in zip(camera.codecs, BEGINNINGS, strict=True)
            for number in (1, 2, 4, 40_000)
        ]
        kinds = rtp_lies(ssrc, 1), rtcp_lies(ssrc, slot.ssrc, 1), storm(ssrc, slot.ssrc, 1)
        lies = [self.packed(list(kind)[:20]) for kind in kinds]
        return self.packed(pictures), *lies

    def __call__(self, content: bytes) -> None:
        self._runner.run(self._take(content))
        assert not self._failures, self._failures

    async def _take(self, content: bytes) -> None:
        if self._inputs >= self.AT_ONCE:
            await self._part()
        self._inputs += 1
        peer = self._peer = self._peer or self._join()
        while content:
            length = int.from_bytes(content[: self.LENGTH])
            packet, content = content[self.LENGTH : self.LENGTH + length], content[self.LENGTH + length :]
            # As the port does: nothing empty, and nothing that is no RTP by its first byte.
            if packet and 128 <= packet[0] <= 191:
                peer.receive(packet)
        await asyncio.sleep(0)

    def close(self) -> None:
        """Nobody is left of it. The next input is given to somebody new."""
        with self._runner:
            self._runner.run(self._part())
        self._runner = asyncio.Runner()

    async def _part(self) -> None:
        self._inputs = 0
        peer, self._peer = self._peer, None
        if peer is not None:
            await peer.close()

    def _join(self) -> FramesPeer:
        def fail(task: str, failure: BaseException) -> None:
            self._failures.append(failure)

        peer = FramesPeer(PeerId(1), self._negotiated, BITRATE, lambda packet: None, Traffic(), Drops(), fail)
        peer.trust()
        for medium in Medium:
            peer.show(medium, peer.watch(medium))
        return peer


FRAMES = _Frames()

OFFERS = [shape.offer for shape in (*chromium.SHAPES, *firefox.SHAPES, *munged.SHAPES) if shape.roles is ROLES]

TARGETS: Mapping[str, tuple[Target, tuple[bytes, ...]]] = {
    "codec": (
        _codec,
        tuple(
            msgspec.json.encode({"event": event, "data": data})
            for event, data in (
                ("find_partner", {"mode": "video", "browser": "b1"}),
                ("chat_message", {"id": "1", "text": "hello"}),
                ("webrtc_offer", {"sdp": "v=0", "lines": {"0": "camera"}}),
                ("resume", {"session_token": "t", "last_message": None}),
            )
        ),
    ),
    "negotiation": (_negotiation, tuple(each.encode() for each in (offer(), offer().replace("\n", "\r\n"), *OFFERS))),
    "framing": (_framing, (frame(b"\x00\x01" + bytes(18)) * 3, client_hello())),
    "stun": (_stun, (check("ann", "p" * 24), check("ann", "p" * 24, nominate=True))),
    "frames": (FRAMES, FRAMES.seeds()),
    "records": (_records, (client_hello(), client_hello() * 2)),
}


def saved(name: str) -> list[bytes]:
    """What once broke the target."""
    folder = CORPUS / name
    return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else []


def mutate(content: bytes, dice: random.Random) -> bytes:
    """A few changes: bits, bytes, pieces and lines removed, repeated, moved, and numbers made absurd."""
    changed = bytearray(content)
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(changed) + 1)
        end = min(len(changed), at + dice.choice((1, 2, 4, 20, 300)))
        match dice.randrange(7):
            case 0:
                changed[at:end] = dice.randbytes(end - at)
            case 1:
                del changed[at:end]
            case 2:
                changed[at:at] = changed[at:end] * dice.choice((1, 2, 50))
            case 3:
                changed[at:at] = dice.choice((b"\x00", b"\xff" * 4, b"9" * 30, b"-1", b"\r\n", "\u2028".encode(), b'"'))
            case 4 if at < len(changed):
                changed[at] ^= 1 << dice.randrange(8)
            case 5:
                lines = bytes(changed).split(b"\n")
                dice.shuffle(lines)
                changed[:] = b"\n".join(lines)
            case _:
                lines = bytes(changed).split(b"\n")
                lines[dice.randrange(len(lines))] = dice.choice(lines)
                changed[:] = b"\n".join(lines)
    return bytes(changed[:LONGEST])


def run(name: str, seed: int, *, seconds: float = float("inf"), inputs: int | None = None) -> int:
    """Feed mutations until time or number is up; returns how many there were.

    Raises:
        AssertionError: with where the input is saved that broke the target.
    """
    target, seeds = TARGETS[name]
    # The first one loads what all need: that is not the input's price.
    target(seeds[0])
    dice = random.Random(seed)
    until = time.monotonic() + seconds
    done = 0
    while time.monotonic() < until and (inputs is None or done < inputs):
        content = mutate(dice.choice(seeds), dice)
        began = time.thread_time()
        try:
            target(content)
            taken = time.thread_time() - began
            assert taken < SLOWEST, f"{taken:.2f} s"
        except Exception as failure:
            path = CORPUS / name / f"{seed:08x}-{done}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            raise AssertionError(f"{name}: {failure!r}; the input is in {path}") from failure
        done += 1
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="for each target")
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    options = parser.parse_args()
    for name in options.targets:
        print(f"{name}: {run(name, secrets.randbits(32), seconds=options.seconds)} inputs")


if __name__ == "__main__":
    main()
