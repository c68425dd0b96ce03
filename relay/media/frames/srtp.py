"""SRTP and SRTCP of one peer (RFC 3711, RFC 7714) with libsrtp, for the frames engine."""

from collections.abc import Callable
from typing import Protocol

import pylibsrtp

from relay.peer.lines import SrtpKeys, SrtpProfile

REPLAY_WINDOW = 1_024
"""Packets. A burst of retransmissions at 2.5 Mbit/s spans a few hundred."""

STREAMS_PER_PEER = 32
"""SSRCs that one peer may send with: libsrtp keeps state for each, and forgets none."""

_PROFILES = {
    SrtpProfile.AEAD_AES_256_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    SrtpProfile.AEAD_AES_128_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpProfile.AES128_CM_SHA1_80: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}


class RejectedError(Exception):
    """A packet that is not authentic, was seen before, or is not SRTP at all."""


class Guard(Protocol):
    """What stands between one peer's packets and the way they travel."""

    def open_rtp(self, datagram: bytes) -> bytes:
        """Plain RTP. Raises RejectedError."""

    def open_rtcp(self, datagram: bytes) -> bytes:
        """Plain RTCP. Raises RejectedError."""

    def seal_rtp(self, packet: bytes) -> bytes: ...
    def seal_rtcp(self, packet: bytes) -> bytes: ...


class NoGuard:
    """For packets that never leave the process: a transcoder's, which the core seals and opens."""

    def open_rtp(self, datagram: bytes) -> bytes:
        return datagram

    def open_rtcp(self, datagram: bytes) -> bytes:
        return datagram

    def seal_rtp(self, packet: bytes) -> bytes:
        return packet

    def seal_rtcp(self, packet: bytes) -> bytes:
        return packet


class SrtpContext:
    """Both directions. There is exactly one per connection: two users of one key would reuse nonces."""

    def __init__(self, keys: SrtpKeys) -> None:
        self._inbound = pylibsrtp.Session(self._policy(keys.receive, keys.profile, inbound=True))
        self._streams: set[bytes] = set()
        self._outbound = pylibsrtp.Session(self._policy(keys.send, keys.profile, inbound=False))

    def open_rtp(self, datagram: bytes) -> bytes:
        return self._open(self._inbound.unprotect, datagram, datagram[8:12])

    def open_rtcp(self, datagram: bytes) -> bytes:
        return self._open(self._inbound.unprotect_rtcp, datagram, datagram[4:8])

    def seal_rtp(self, packet: bytes) -> bytes:
        return self._outbound.protect(packet)

    def seal_rtcp(self, packet: bytes) -> bytes:
        return self._outbound.protect_rtcp(packet)

    def _open(self, unprotect: Callable[[bytes], bytes], datagram: bytes, ssrc: bytes) -> bytes:
        if ssrc not in self._streams and len(self._streams) >= STREAMS_PER_PEER:
            raise RejectedError
        try:
            packet = unprotect(datagram)
        except (pylibsrtp.Error, TypeError) as cause:
            raise RejectedError from cause
        # A stream is remembered only now that a packet of it was authentic.
        self._streams.add(ssrc)
        return packet

    @staticmethod
    def _policy(key: bytes, profile: SrtpProfile, *, inbound: bool) -> pylibsrtp.Policy:
        policy = pylibsrtp.Policy(
            key=key,
            ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND if inbound else pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=_PROFILES[profile],
        )
        policy.window_size = REPLAY_WINDOW
        # Retransmissions without RTX repeat a sequence number with the same content (RFC 4585).
        policy.allow_repeat_tx = True
        return policy
