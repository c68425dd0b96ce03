"""DTLS (RFC 6347, RFC 9147) over the media port, and the SRTP keys that it yields (RFC 5764).

Drives OpenSSL directly: a datagram is worked on when it comes, and what OpenSSL has to say goes out at once. So an
association has no task, no queue and no copy of its state, and a timer only while OpenSSL wants one. OpenSSL is let go
when the handshake is done: what there is still to say and to hear is in `standing.py`.
"""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from OpenSSL import SSL, crypto

from relay.peer.lines import DtlsRole, Fingerprint, SrtpKeys, SrtpProfile
from relay.peer.standing import Heard, Standing

BACKLOG = 32
"""Datagrams kept for a handshake that has not begun; a whole one has fewer than ten."""

AT_ONCE = 1_500
"""Bytes that are sent in one datagram, more than any flight of ours has; and that are read at a time of what is said
over DTLS itself, which is of no use."""

EXPORTER_LABEL = b"EXTRACTOR-dtls_srtp"
"""RFC 5764 section 4.2."""

SIZES = {
    SrtpProfile.AEAD_AES_256_GCM: (32, 12),
    SrtpProfile.AEAD_AES_128_GCM: (16, 12),
    SrtpProfile.AES128_CM_SHA1_80: (16, 14),
}
"""Bytes of key and salt (RFC 7714, RFC 5764)."""


class DtlsListener(Protocol):
    """What an association tells. Called in `start`, in `feed` or by its timer; not after `close()`."""

    def dtls_connected(self, keys: SrtpKeys) -> None:
        """The handshake is done, and the certificate is the one that was announced. Once at most."""

    def dtls_ended(self) -> None:
        """The handshake has failed, or the other side has ended the association. Once at most, and nothing after."""


class Dtls:
    """One association: `feed` takes datagrams, `send` gives them away."""

    def __init__(
        self,
        context: SSL.Context,
        send: Callable[[bytes], None],
        role: DtlsRole,
        fingerprints: tuple[Fingerprint, ...],
        listener: DtlsListener,
    ) -> None:
        self._context = context
        self._send = send
        self._role = role
        self._fingerprints = fingerprints
        self._listener: DtlsListener | None = listener
        """None once it has ended."""
        self._tls: SSL.Connection | None = None
        """None before it begins, and when it stands."""
        self._standing: Standing | None = None
        self._early: list[bytes] = []
        self._is_connected = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin the handshake: there is somebody to shake hands with."""
        tls = self._tls = SSL.Connection(self._context)
        early, self._early = self._early, []
        if self._role is DtlsRole.SERVER:
            tls.set_accept_state()  # and the other side has the first word
        else:
            tls.set_connect_state()
            self._go_on(tls)
        for datagram in early:
            self.feed(datagram)

    def feed(self, datagram: bytes) -> bool:
        """Take one datagram from the verified address; False when it can't be used."""
        if self._listener is None:
            return False
        if self._standing is not None:
            self._hear(self._standing, datagram)
            return True
        if (tls := self._tls) is None:
            if len(self._early) >= BACKLOG:
                return False
            self._early.append(datagram)
            return True
        tls.bio_write(datagram)
        self._go_on(tls)
        return True

    def close(self) -> None:
        """Say that it ends, if it has not. Idempotent."""
        is_open = self._listener is not None
        self._end()
        if is_open and self._standing is not None:
            self._send(self._standing.farewell)
        elif is_open and self._tls is not None:
            with suppress(SSL.Error):  # in the midst of a handshake
                self._tls.shutdown()
            self._flush(self._tls)

    def _go_on(self, tls: SSL.Connection) -> None:
        """As far as OpenSSL gets with what it has."""
        last_flight: tuple[bytes, ...] = ()
        try:
            if not self._is_connected:
                tls.do_handshake()
                last_flight = self._flush(tls)
                self._connected(tls)
            while self._listener is not None:
                tls.recv(AT_ONCE)
        except SSL.WantReadError:
            self._flush(tls)
            self._let_go(tls, last_flight)
            self._set_timer(tls)
        except SSL.ZeroReturnError:
            self._ended()
        except SSL.Error:
            # Once connected, it outlives a datagram that is no record: anybody can forge one.
            self._flush(tls)
            if not self._is_connected:
                self._ended()

    def _let_go(self, tls: SSL.Connection, last_flight: tuple[bytes, ...]) -> None:
        """Of OpenSSL, if the association stands: what it keeps is most of what a person takes."""
        if self._is_connected and (standing := Standing.of(tls, self._role, last_flight)) is not None:
            self._standing, self._tls = standing, None

    def _hear(self, standing: Standing, datagram: bytes) -> None:
        heard = standing.hear(datagram)
        if heard is Heard.ENDED:
            self._ended()
        elif heard is Heard.AGAIN:
            for lost in standing.last_flight:
                self._send(lost)

    def _connected(self, tls: SSL.Connection) -> None:
        keys = self._keys(tls) if self._is_theirs(tls) else None
        if keys is None:
            self._ended()
        elif self._listener is not None:
            self._is_connected = True
            self._listener.dtls_connected(keys)

    def _is_theirs(self, tls: SSL.Connection) -> bool:
        """Whether their certificate has every digest that was announced (RFC 8122 section 5)."""
        certificate = tls.get_peer_certificate()
        if certificate is None:
            return False
        der = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
        return all(
            hashlib.new(each.algorithm.replace("-", ""), der).digest().hex(":").upper() == each.value
            for each in self._fingerprints
        )

    def _keys(self, tls: SSL.Connection) -> SrtpKeys | None:
        """None where no profile was agreed on."""
        name = tls.get_selected_srtp_profile().decode()
        profile = next((profile for profile in SIZES if profile.value == name), None)
        if profile is None:
            return None
        key, salt = SIZES[profile]
        material = tls.export_keying_material(EXPORTER_LABEL, 2 * (key + salt))
        of_client = material[:key] + material[2 * key : 2 * key + salt]
        of_server = material[key : 2 * key] + material[2 * key + salt :]
        ours, theirs = (of_server, of_client) if self._role is DtlsRole.SERVER else (of_client, of_server)
        return SrtpKeys(profile, receive=theirs, send=ours)

    def _flush(self, tls: SSL.Connection) -> tuple[bytes, ...]:
        """Send what OpenSSL has written; gives what that was."""
        sent = []
        with suppress(SSL.Error):  # there is no more
            while True:
                sent.append(tls.bio_read(AT_ONCE))
                self._send(sent[-1])
        return tuple(sent)

    def _set_timer(self, tls: SSL.Connection) -> None:
        """When OpenSSL wants to be asked again, to send a flight once more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._tls is not None and self._listener is not None and (seconds := tls.DTLSv1_get_timeout()) is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._time_is_up, tls)

    def _time_is_up(self, tls: SSL.Connection) -> None:
        try:
            tls.DTLSv1_handle_timeout()
        except SSL.Error:
            self._ended()  # it has sent its last flight as often as it would
            return
        self._flush(tls)
        self._set_timer(tls)

    def _ended(self) -> None:
        listener = self._listener
        self._end()
        if listener is not None:
            listener.dtls_ended()

    def _end(self) -> None:
        self._listener = None
        self._early.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
