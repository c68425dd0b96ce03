"""RTP and RTCP that is sealed with right keys and lies in every field: what a person in a call can send."""

import random
import struct
from collections.abc import Iterator

from aiortc.rtp import RtcpPsfbPacket, RtcpRtpfbPacket, pack_remb_fci

MOST_FIRS = 90

VP8 = 97
"""aiortc's payload type."""


def rtp(
    ssrc: int, sequence: int, payload: bytes, *, first: int = 0x80, payload_type: int = VP8, time: int = 0
) -> bytes:
    """A header as told, whether or not what follows fits it."""
    return struct.pack("!BBHII", first, payload_type, sequence & 0xFFFF, time & 0xFFFF_FFFF, ssrc) + payload


def rtp_lies(ssrc: int, seed: int) -> Iterator[bytes]:
    """One of each kind, again and again: 200 packets of one's own stream and of others."""
    dice = random.Random(seed)
    for number in range(20):
        yield rtp(dice.getrandbits(32), number, b"of nobody")
        yield rtp(ssrc, dice.getrandbits(16), b"no such codec", payload_type=dice.randrange(128))
        yield rtp(ssrc, number, b"\x10" + dice.randbytes(20), first=0x8F)  # fifteen CSRCs that are not there
        yield rtp(ssrc, number, dice.randbytes(20) + b"\xff", first=0xA0)  # more padding than packet
        yield rtp(ssrc, number, b"\x00" * 20 + b"\x00", first=0xA0)  # no padding, although it is announced
        yield rtp(ssrc, number, b"\xbe\xde\x00\x40" + dice.randbytes(256) + b"\x10", first=0x90)
        yield rtp(ssrc, number, b"\xbe\xde\xff\xff" + dice.randbytes(20), first=0x90)  # longer than the packet
        yield rtp(ssrc, number, b"\x10\x00\x00\x02\x01\xff" + dice.randbytes(40), first=0x90)
        yield rtp(ssrc, number, b"\x11" + dice.randbytes(900), time=dice.getrandbits(32))  # no keyframe, any time
        yield rtp(ssrc, number, b"")


def rtcp_lies(ssrc: int, other: int, seed: int) -> Iterator[bytes]:
    """Compounds that do not add up: 160 packets. `other` is a stream that we receive."""
    dice = random.Random(seed)
    for _ in range(20):
        yield b"\x80\xc8\xff\xff" + dice.randbytes(24)  # longer than the packet
        yield b"\x9f\xc9\x00\x01" + struct.pack("!I", ssrc)  # 31 blocks that are not there
        yield struct.pack("!BBHIQIII", 0x80, 200, 6, ssrc, dice.getrandbits(64), dice.getrandbits(32), 0, 0)
        yield b"\x80\xc9\x00\x01" + struct.pack("!I", ssrc) + b"\x00\xc8\x00\x00" + dice.randbytes(8)
        yield b"\x9f\xca\x00\x05" + dice.randbytes(20)  # a description without an end
        yield b"\x9f\xcb\x00\x01" + struct.pack("!I", other)  # goodbye in the partner's name
        yield struct.pack("!BBHIIIII", 0x81, 201, 7, ssrc, other, 0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF) + bytes(8)
        yield b"\x80\xc9\x00\x01" + struct.pack("!I", ssrc) + dice.randbytes(2)


def storm(ssrc: int, other: int, seed: int) -> Iterator[bytes]:
    """Feedback that asks for work: 400 packets of NACK, PLI, FIR and REMB about a stream that we receive."""
    dice = random.Random(seed)
    for number in range(100):
        lost = sorted(dice.sample(range(65_536), 200))
        yield bytes(RtcpRtpfbPacket(fmt=1, ssrc=ssrc, media_ssrc=other, lost=lost))
        yield bytes(RtcpPsfbPacket(fmt=1, ssrc=ssrc, media_ssrc=other))
        fir = b"".join(struct.pack("!IBxxx", other, (number + entry) & 0xFF) for entry in range(MOST_FIRS))
        yield bytes(RtcpPsfbPacket(fmt=4, ssrc=ssrc, media_ssrc=0, fci=fir))
        remb = pack_remb_fci(dice.choice((0, 1, 10**12)), [other])
        yield bytes(RtcpPsfbPacket(fmt=15, ssrc=ssrc, media_ssrc=0, fci=remb))
