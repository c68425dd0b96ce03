"""SRTP and SRTCP of one peer (RFC 3711, RFC 7714) with libsrtp, for the frames engine."""

import pylibsrtp

from relay.peer.lines import SrtpKeys, SrtpProfile

REPLAY_WINDOW = 1_024
"""Packets. A burst of retransmissions at 2.5 Mbit/s spans a few hundred."""

_PROFILES = {
    SrtpProfile.AEAD_AES_256_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    SrtpProfile.AEAD_AES_128_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpProfile.AES128_CM_SHA1_80: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}


class RejectedError(Exception):
    """A packet that is not authentic, was seen before, or is not SRTP at all."""


class SrtpContext:
    """Both directions. There is exactly one per connection: two users of one key would reuse nonces."""

    def __init__(self, keys: SrtpKeys) -> None:
        self._inbound = pylibsrtp.Session(self._policy(keys.receive, keys.profile, inbound=True))
        self._outbound = pylibsrtp.Session(self._policy(keys.send, keys.profile, inbound=False))

    def open_rtp(self, datagram: bytes) -> bytes:
        """Plain RTP. Raises RejectedError."""
        try:
            return self._inbound.unprotect(datagram)
        except (pylibsrtp.Error, TypeError) as cause:
            raise RejectedError from cause

    def open_rtcp(self, datagram: bytes) -> bytes:
        """Plain RTCP. Raises RejectedError."""
        try:
            return self._inbound.unprotect_rtcp(datagram)
        except (pylibsrtp.Error, TypeError) as cause:
            raise RejectedError from cause

    def seal_rtp(self, packet: bytes) -> bytes:
        return self._outbound.protect(packet)

    def seal_rtcp(self, packet: bytes) -> bytes:
        return self._outbound.protect_rtcp(packet)

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
