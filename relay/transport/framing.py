"""Datagrams over a byte stream: two bytes of length before each (RFC 4571, RFC 6544 section 3)."""

LARGEST_DATAGRAM = 1_500
"""Bytes. Browsers stay below 1,200; nothing longer than an Ethernet frame is ours."""

HEADER = 2


class FramingError(Exception):
    """The stream holds something that is no datagram of ours; nothing after it can be understood."""


class Deframer:
    """Cuts a stream into datagrams. Holds one unfinished datagram at most."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, piece: bytes) -> list[bytes]:
        """The datagrams that are whole now, in order. Empty ones are padding and left out.

        Raises:
            FramingError: a datagram would be longer than `LARGEST_DATAGRAM`.
        """
        self._rest += piece
        whole = []
        at = 0
        while len(self._rest) - at >= HEADER:
            length = int.from_bytes(self._rest[at : at + HEADER])
            if length > LARGEST_DATAGRAM:
                raise FramingError
            if len(self._rest) - at < HEADER + length:
                break
            if length:
                whole.append(bytes(self._rest[at + HEADER : at + HEADER + length]))
            at += HEADER + length
        del self._rest[:at]
        return whole


def frame(datagram: bytes) -> bytes:
    """One datagram as it goes into the stream."""
    return len(datagram).to_bytes(HEADER) + datagram
