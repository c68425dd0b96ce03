"""The TLS context for new connections: TLS 1.2 at least, strong suites, read anew when the certificate is renewed.

Connections that exist keep the context they began with. A renewal that can't be read, such as a
certificate whose key has not been written yet, changes nothing and is tried again.
"""

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from relay import native
from relay.errors import ConfigurationError
from relay.observe.logs.logging import get_logger
from relay.transport.suites import SUITES
from relay.web.answers import ServerContext

LOOK_INTERVAL = 1.0
"""Seconds between looks at the files; there is none without a new connection."""

SOON = datetime.timedelta(days=14)
"""A certificate that ends within this should have been renewed."""

ALWAYS = datetime.datetime(1, 1, 1, tzinfo=datetime.UTC), datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)
"""The validity of one that OpenSSL takes and nobody else can read."""

if TYPE_CHECKING:
    from relay.native import TlsContext

log = get_logger("tls")


_Stamp = tuple[tuple[int, int], ...]


class _EncryptedError(Exception):
    """The key wants a password, which nobody is there to give."""


class Certificate:
    """A certificate chain and its key in PEM files."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """
        Raises:
            ConfigurationError: the files can't be read, or do not belong together.
        """
        self._files = (certificate, key)
        self._looked_at = 0.0
        self._own: x509.Certificate | None = None
        try:
            self._stamp = self._read_stamp()
            self._context = self._load()
        except (OSError, ssl.SSLError, _EncryptedError) as cause:
            raise ConfigurationError(
                f"The TLS certificate {certificate} and its key {key} can't be used: {self._why(cause)}."
            ) from cause
        self._refused: _Stamp | None = None

    @property
    def begins(self) -> datetime.datetime:
        return self._own.not_valid_before_utc if self._own else ALWAYS[0]

    @property
    def ends(self) -> datetime.datetime:
        return self._own.not_valid_after_utc if self._own else ALWAYS[1]

    def names(self, host: str) -> bool:
        """Whether it is for this name or address (RFC 9525, section 6.3: a star stands for one label)."""
        if self._own is None:
            return True
        try:
            said = self._own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return False
        try:
            return ipaddress.ip_address(host.strip("[]")) in said.get_values_for_type(x509.IPAddress)
        except ValueError:
            named = {name.lower() for name in said.get_values_for_type(x509.DNSName)}
            return bool(named & {host.lower(), "*." + host.lower().partition(".")[2]})

    @property
    def for_core(self) -> "TlsContext | None":
        """The same for connections that may end in the core. None if there is no core, or it can't use the files."""
        return self._for_core

    def context(self, now: float) -> ServerContext:
        """For a connection that begins at `now`, in seconds of any clock."""
        if now - self._looked_at >= LOOK_INTERVAL:
            self._looked_at = now
            self.renew()
        return self._context

    def renew(self) -> None:
        """Read the files again if they changed."""
        try:
            stamp = self._read_stamp()
        except OSError as cause:
            log.warning("certificate_unreadable", cause=self._why(cause))
            return
        if stamp == self._stamp:
            return
        try:
            self._context = self._load()
        except (OSError, ssl.SSLError, _EncryptedError) as cause:
            if stamp != self._refused:
                self._refused = stamp
                log.warning("certificate_not_renewed", cause=self._why(cause))
            return
        self._stamp = stamp
        log.info("certificate_renewed", file=str(self._files[0]), ends=f"{self.ends:%Y-%m-%d}")
        self.warn(datetime.datetime.now(datetime.UTC))

    def warn(self, now: datetime.datetime) -> None:
        """Say that browsers refuse it, or soon will."""
        remedy = "renew it: it is read again by itself"
        fields = {"file": str(self._files[0]), "ends": f"{self.ends:%Y-%m-%d}", "remedy": remedy}
        if self.ends <= now:
            log.error("certificate_ended", **fields)
        elif self.ends - now < SOON:
            log.warning("certificate_ends_soon", **fields)
        elif now < self.begins:
            remedy = "see whether the clock is right"
            log.error("certificate_not_valid_yet", file=fields["file"], begins=f"{self.begins:%Y-%m-%d}", remedy=remedy)

    def _read_stamp(self) -> _Stamp:
        return tuple((status.st_mtime_ns, status.st_ino) for status in (file.stat() for file in self._files))

    def _load(self) -> ServerContext:
        context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        context.set_ciphers(SUITES)
        context.load_cert_chain(*self._files, password=_ask_nobody)
        self._own = _first(self._files[0].read_bytes())
        context.is_self_signed = self._own is None or self._own.issuer == self._own.subject
        self._for_core = self._load_for_core() if native.BUILT else None
        return context

    def _load_for_core(self) -> "TlsContext | None":
        chain, key = (file.read_bytes() for file in self._files)
        try:
            return native.TlsContext(chain, key)
        except ValueError as cause:
            log.warning(
                "certificate_not_for_turn",
                file=str(self._files[0]),
                cause=str(cause),
                remedy="pages are served with it; for TURN over TLS have one made with a key of RSA 2048 or P-256",
            )
            return None

    def _why(self, cause: Exception) -> str:
        """What is wrong with the files, in words; OpenSSL's are for those who wrote it."""
        certificate, key = self._files
        if isinstance(cause, _EncryptedError):
            return f"the key is encrypted; write it without a password (openssl pkey -in {key} -out NEW)"
        for file, mark, what in ((certificate, b"BEGIN CERTIFICATE", "certificate"), (key, b"PRIVATE KEY", "key")):
            try:
                content = file.read_bytes()
            except OSError as unreadable:
                return f"{file}: {(unreadable.strerror or 'it is not readable').lower()}"
            if mark not in content:
                return f"{file} holds no {what} in PEM"
        if not isinstance(cause, ssl.SSLError):
            return str(cause)
        if cause.reason == "KEY_VALUES_MISMATCH":
            return "the key is of another certificate"
        return f"one of them is damaged ({(cause.reason or 'PEM').replace('_', ' ').lower()})"


def _ask_nobody() -> str:
    """OpenSSL would ask on the terminal."""
    raise _EncryptedError


def _first(chain: bytes) -> x509.Certificate | None:
    """The server's own certificate. An authority of one's own that signed it counts as somebody: its users have it
    installed."""
    try:
        return x509.load_pem_x509_certificates(chain)[0]
    except (ValueError, IndexError):
        return None  # OpenSSL takes it, so it is served; nothing is promised about it
