"""The server's own certificate: whether browsers take it, and for how long."""

import datetime
from pathlib import Path

from relay import native
from relay.checks.finding import Finding, failure, ok, warning
from relay.checks.plain import plain
from relay.config.settings import Settings, TlsChoice
from relay.errors import ConfigurationError
from relay.front.front import certificate_of
from relay.front.self_signed import CERTIFICATE
from relay.front.tls import SOON, Certificate


def check_certificate(settings: Settings, now: datetime.datetime) -> list[Finding]:
    """Nothing is made that is not there yet."""
    if settings.https.tls is TlsChoice.SELF_SIGNED:
        return [_self_signed(settings)]
    try:
        certificate = certificate_of(settings.https, settings.state, settings.network.public_address)
    except ConfigurationError as error:
        return [failure("certificate", str(error))]
    if certificate is not None:
        return [_validity(certificate, now), *_names(certificate, settings)]
    if settings.site.trusted_proxies:
        return [ok("certificate", "HTTPS is the reverse proxy's business.")]
    return [
        warning(
            "certificate",
            "There is no HTTPS, and without it browsers give out the camera on this host only. Set RELAY_TLS_CERT"
            " and RELAY_TLS_KEY, or RELAY_TLS=self-signed in a local network.",
        )
    ]


def why_not_in_core(settings: Settings) -> str | None:
    """What keeps the core from using the certificate for TURN, though pages are served with it; None if nothing."""
    chain, key = settings.https.tls_cert, settings.https.tls_key
    if chain is None or key is None:
        return None  # our own
    try:
        native.TlsContext(Path(chain).read_bytes(), Path(key).read_bytes())
    except (OSError, ValueError) as cause:
        return plain(cause)
    return None


def _self_signed(settings: Settings) -> Finding:
    folder = settings.state.folder
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if not existing.is_dir():
        return failure("certificate", f"It can't be kept in {folder}: {existing} is no folder. Set RELAY_STATE_DIR.")
    sentence = (
        f"The certificate {folder / CERTIFICATE} is our own: browsers warn about it once. Fine in a local network."
    )
    return warning("certificate", sentence)


def _validity(certificate: Certificate, now: datetime.datetime) -> Finding:
    begins, ends = certificate.begins, certificate.ends
    left = ends - now
    if now < begins:
        return failure("certificate", f"It is valid from {begins:%Y-%m-%d} only. Is the clock right?")
    if left <= datetime.timedelta(0):
        return failure("certificate", f"It ended on {ends:%Y-%m-%d}. Renew it; the server reads it by itself.")
    if left < SOON:
        return warning("certificate", f"It ends in {left.days} days, on {ends:%Y-%m-%d}. Renew it.")
    return ok("certificate", f"It is valid for {left.days} more days.")


def _names(certificate: Certificate, settings: Settings) -> list[Finding]:
    """The names that are served, and that browsers would warn about."""
    lacking = [host for host in settings.site.hosts if not certificate.names(host)]
    if not lacking:
        return []
    sentence = f"It does not name {', '.join(lacking)}, which RELAY_HOSTS serves: browsers warn of it there."
    return [warning("certificate", sentence)]
