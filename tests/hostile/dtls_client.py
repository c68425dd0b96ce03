"""A DTLS client made of OpenSSL itself, to be set up wrongly; and ClientHellos that it would not write."""

import asyncio
import os
import re
import struct

from aiortc import RTCCertificate
from OpenSSL import SSL

from tests.kit.call import answer_to, check, question_in
from tests.kit.datagrams import Stranger
from tests.kit.offers import FINGERPRINT, ROLES, offer
from tests.kit.people import PATIENCE, Visitor

STRONG = b"ECDHE-ECDSA-AES128-GCM-SHA256"
PROFILE = b"SRTP_AEAD_AES_128_GCM"
DTLS = 20
"""First bytes from here on are DTLS (RFC 7983 section 7)."""
_RETRANSMISSION = 0.5
"""Seconds without an answer after which the client looks after its timers."""


class DtlsClient:
    """Offers, proves its address, and shakes hands from there."""

    def __init__(self, port: int, *, suites: bytes = STRONG, profile: bytes | None = PROFILE, certified: bool = True):
        self.certificate = RTCCertificate.generateCertificate()
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.set_cipher_list(suites + b":@SECLEVEL=0")
        context.set_options(SSL.OP_NO_QUERY_MTU)
        if profile is not None:
            context.set_tlsext_use_srtp(profile)
        if certified:
            context.use_certificate(self.certificate._cert)
            context.use_privatekey(self.certificate._key)
        self.tls = SSL.Connection(context)
        self.tls.set_connect_state()
        self.tls.set_ciphertext_mtu(1_200)
        self.wire = Stranger(port)
        self.sent: list[bytes] = []

    async def offer(self, visitor: Visitor) -> None:
        """Offer with the certificate's fingerprint, and send a right check."""
        digest = next(item.value for item in self.certificate.getFingerprints() if item.algorithm == "sha-256")
        sdp = offer().replace(FINGERPRINT, f"sha-256 {digest}")
        await visitor.say("webrtc_offer", sdp=sdp, lines={mid: role.value for mid, role in ROLES.items()})
        answer = (await visitor.hear("webrtc_answer"))["sdp"]
        ufrag, password = (re.findall(rf"a=ice-{name}:(\S+)", answer)[0] for name in ("ufrag", "pwd"))
        self.wire.send(check(ufrag, password, nominate=True))
        await self.wire.answer()

    async def answer(self) -> bytes:
        """The next DTLS datagram that comes back. Answers the server's checks: a flight that is too large for whom
        they don't reach is not sent."""
        while True:
            datagram = await self.wire.answer()
            if datagram[0] >= DTLS:
                return datagram
            if (question := question_in(datagram)) is not None:
                self.wire.send(answer_to(question))

    async def shake_hands(self) -> bool:
        """Whether the handshake came to its end.

        Raises:
            TimeoutError: neither that nor its failure.
        """
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    self.tls.do_handshake()
                    self._flush()
                    return True
                except SSL.WantReadError:
                    self._flush()
                except SSL.Error:
                    self._flush()
                    return False
                try:
                    async with asyncio.timeout(_RETRANSMISSION):
                        self.tls.bio_write(await self.answer())
                except TimeoutError:
                    self.tls.DTLSv1_handle_timeout()

    def _flush(self) -> None:
        """Send what OpenSSL wrote, one record a datagram."""
        while True:
            try:
                rest = self.tls.bio_read(65_536)
            except SSL.WantReadError:
                return
            while rest:
                length = 13 + int.from_bytes(rest[11:13])
                record, rest = rest[:length], rest[length:]
                self.sent.append(record)
                self.wire.send(record)

    def close(self) -> None:
        self.wire.close()


def hello(suites: tuple[int, ...], *, version: int = 0xFEFD, supported: tuple[int, ...] = ()) -> bytes:
    """A ClientHello with suites and versions as told (RFC 9147 section 5.3), and everything else in order."""
    extensions = {
        10: b"\x00\x02\x00\x17",  # supported_groups: secp256r1
        11: b"\x01\x00",  # ec_point_formats
        13: b"\x00\x04\x04\x03\x08\x04",  # signature_algorithms
        14: b"\x00\x02\x00\x07\x00",  # use_srtp: AEAD_AES_128_GCM
    }
    if supported:
        versions = b"".join(each.to_bytes(2) for each in supported)
        extensions[43] = bytes([len(versions)]) + versions
        extensions[51] = b"\x00\x00"  # key_share, empty: the server may choose a group
    encoded = b"".join(struct.pack("!HH", kind, len(content)) + content for kind, content in extensions.items())
    offered = b"".join(suite.to_bytes(2) for suite in suites)
    body = version.to_bytes(2) + os.urandom(32) + b"\x00\x00" + len(offered).to_bytes(2) + offered + b"\x01\x00"
    body += len(encoded).to_bytes(2) + encoded
    length = len(body).to_bytes(3)
    message = b"\x01" + length + bytes(5) + length + body
    return b"\x16\xfe\xff" + bytes(8) + len(message).to_bytes(2) + message
