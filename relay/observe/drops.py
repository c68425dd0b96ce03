"""Counts what was thrown away, by reason. Nothing is logged per packet: a flood must not become a log."""

from collections import Counter
from enum import StrEnum


class Drop(StrEnum):
    """Why a datagram, packet or frame went no further."""

    # the media port
    EMPTY = "empty"
    OVERSIZED = "oversized"
    UNKNOWN_PROTOCOL = "unknown_protocol"
    STUN_MALFORMED = "stun_malformed"
    STUN_UNKNOWN_UFRAG = "stun_unknown_ufrag"
    STUN_BAD_INTEGRITY = "stun_bad_integrity"
    STUN_REPLAYED = "stun_replayed"
    STUN_ADDRESS_HELD = "stun_address_held"
    STUN_UNASKED = "stun_unasked"
    PATH_UNVALIDATED = "path_unvalidated"
    UNVERIFIED_SOURCE = "unverified_source"
    DTLS_BACKLOG = "dtls_backlog"
    DTLS_REFUSED = "dtls_refused"
    SEND_FAILED = "send_failed"
    SOCKET_OVERFLOW = "socket_overflow"
    # TCP connections, and what goes over them
    TCP_SILENT = "tcp_silent"
    TCP_UNKNOWN = "tcp_unknown"
    TCP_CROWDED = "tcp_crowded"
    TCP_UNPROVED = "tcp_unproved"
    TCP_MALFORMED = "tcp_malformed"
    TCP_BACKLOG = "tcp_backlog"
    TCP_STUCK = "tcp_stuck"
    # TURN inside the media port
    TURN_MALFORMED = "turn_malformed"
    TURN_REFUSED = "turn_refused"
    """No credentials or wrong ones, or out of order."""
    TURN_FORBIDDEN = "turn_forbidden"
    """Another peer than our media port was named."""
    # SRTP, RTP and RTCP
    NOT_SECURE_YET = "not_secure_yet"
    SRTP_REJECTED = "srtp_rejected"
    RTP_MALFORMED = "rtp_malformed"
    RTCP_MALFORMED = "rtcp_malformed"
    UNKNOWN_SSRC = "unknown_ssrc"
    UNKNOWN_PAYLOAD_TYPE = "unknown_payload_type"
    NOT_ROUTED = "not_routed"
    # packets; reasons above occur there too (relay/native/src/counters.rs)
    PADDING = "padding"
    AWAITING_KEYFRAME = "awaiting_keyframe"
    PICTURE_TOO_LARGE = "picture_too_large"
    NO_COMMON_CODEC = "no_common_codec"
    TOO_LATE = "too_late"
    NOT_KEPT = "not_kept"
    REPEATED_ALREADY = "repeated_already"
    OVER_BUDGET = "over_budget"
    # frames
    UNDECODABLE = "undecodable"
    UNENCODABLE = "unencodable"
    DECODER_BACKLOG = "decoder_backlog"
    SLOT_BACKLOG = "slot_backlog"
    FEEDBACK_THROTTLED = "feedback_throttled"
    FLOODED = "flooded"
    TRANSCODER_BACKLOG = "transcoder_backlog"


class Drops:
    """How many, by reason. One instance per process."""

    def __init__(self) -> None:
        self._counts: Counter[Drop] = Counter()

    def count(self, reason: Drop, amount: int = 1) -> None:
        self._counts[reason] += amount

    def __getitem__(self, reason: Drop) -> int:
        return self._counts[reason]

    def snapshot(self) -> dict[str, int]:
        """Reasons that occurred, with their counts."""
        return {str(reason): amount for reason, amount in self._counts.items()}
