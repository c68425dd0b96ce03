"""The TLS context for new connections: TLS 1.2 at least, strong suites, read anew when the certificate is renewed.

Connections that exist keep the context they began with. A renewal that can't be read, such as a
certificate whose key has not been written yet, changes nothing and is tried again.
"""

import ssl
from pathlib import Path

from cryptography import x509

from relay.errors import ConfigurationError
from relay.observe.logging import get_logger
from relay.transport.suites import SUITES

LOOK_INTERVAL = 1.0
"""Seconds between looks at the files; there is none without a new connection."""

log = get_logger("tls")


class ServerContext(ssl.SSLContext):
    """Knows what kind of certificate it shows; each connection has it at hand."""

    is_self_signed = True


_Stamp = tuple[tuple[int, int], ...]


class Certificate:
    """A certificate chain and its key in PEM files."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """
        Raises:
            ConfigurationError: the files can't be read, or do not belong together.
        """
        self._files = (certificate, key)
        self._looked_at = 0.0
        try:
            self._stamp = self._read_stamp()
            self._context = self._load()
        except (OSError, ssl.SSLError) as cause:
            raise ConfigurationError(
                f"The TLS certificate {certificate} and its key {key} can't be used: {cause}."
            ) from cause
        self._refused: _Stamp | None = None

    def context(self, now: float) -> ssl.SSLContext:
        """For a connection that begins at `now`, in seconds of any clock."""
        if now - self._looked_at >= LOOK_INTERVAL:
            self._looked_at = now
            self._renew()
        return self._context

    def _renew(self) -> None:
        try:
            stamp = self._read_stamp()
        except OSError as cause:
            log.warning("certificate_unreadable", cause=str(cause))
            return
        if stamp == self._stamp:
            return
        try:
            self._context = self._load()
        except (OSError, ssl.SSLError) as cause:
            if stamp != self._refused:
                self._refused = stamp
                log.warning("certificate_not_renewed", cause=str(cause))
            return
        self._stamp = stamp
        log.info("certificate_renewed", file=str(self._files[0]))

    def _read_stamp(self) -> _Stamp:
        return tuple((status.st_mtime_ns, status.st_ino) for status in (file.stat() for file in self._files))

    def _load(self) -> ServerContext:
        context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        context.set_ciphers(SUITES)
        context.load_cert_chain(*self._files)
        context.is_self_signed = _is_self_signed(self._files[0].read_bytes())
        return context


def _is_self_signed(chain: bytes) -> bool:
    """Whether the server's own certificate, the first of the chain, is signed by nobody else. An authority of one's
    own counts as somebody: its users have it installed."""
    try:
        own = x509.load_pem_x509_certificates(chain)[0]
    except (ValueError, IndexError):
        return True  # OpenSSL takes it, so it is served; nothing is promised about it
    return own.issuer == own.subject
