"""What settings must hold together: each sentence names the settings that it is about, and the way out."""

import ipaddress
import re
from urllib.parse import urlsplit

from relay.config.addresses import HOST, NAME, STUN, TURN_URL, is_address, is_safe, usable_by_browsers
from relay.config.people import AboutSettings, link_of
from relay.config.settings import Settings
from relay.errors import ConfigurationError

DATABASE_OFF = "off"
PAGE = re.compile(r"https?://[^\s<>\"]+")
MAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+")
BASE_PATH = re.compile(r"/|(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?")
OWN_NAMES = frozenset({"assets", "check", "metrics", "operator", "privacy", "rules", "videochat", "ws"})
"""Of what is served at the root: a folder of such a name would hide it."""


def check(settings: Settings) -> None:
    for name in ("bind", "http_bind", "media_bind"):
        for address in getattr(settings.network, name):
            if not is_address(address):
                raise ConfigurationError(f"`{name}` has {address!r}, which is not an IP address.")
    for public in settings.network.public_names:
        if not NAME.fullmatch(public):
            raise ConfigurationError(
                f"`public_address` has {public!r}, which is neither an IP address nor a host name."
            )
    if settings.network.stun is not None and not STUN.fullmatch(settings.network.stun):
        raise ConfigurationError(f"`stun` is {settings.network.stun!r}, which is not host:port.")
    if settings.network.stun is not None and settings.network.public_address:
        raise ConfigurationError("`stun` and `public_address` exclude each other: remove one of them.")
    networks = {"trusted_proxies": settings.site.trusted_proxies, "metrics_allow": settings.operator.metrics_allow}
    for name, written in networks.items():
        for network in written:
            try:
                ipaddress.ip_network(network)
            except ValueError as cause:
                sentence = f"`{name}` has {network!r}, which is {_no_network(network)}."
                raise ConfigurationError(sentence) from cause
    for host in settings.site.hosts:
        if not HOST.fullmatch(host):
            sentence = f"`hosts` has {host!r}, which is not a name or an address alone, such as chat.example.org."
            raise ConfigurationError(sentence)
    if (
        settings.operator.metrics_token is not None
        and settings.operator.metrics_token == settings.operator.operator_token
    ):
        raise ConfigurationError("`metrics_token` and `operator_token` are the same: the first would open everything.")
    if not BASE_PATH.fullmatch(settings.site.base_path):
        sentence = (
            f"`base_path` is {settings.site.base_path!r}, which is not a folder such as /chat/, from the root on."
        )
        raise ConfigurationError(sentence)
    if settings.site.base_path.split("/")[1] in OWN_NAMES:
        raise ConfigurationError(
            f"`base_path` is {settings.site.base_path!r}, a name of the server's own: take another."
        )
    for origin in settings.site.allowed_origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
            raise ConfigurationError(
                f"`allowed_origins` has {origin!r}, which is not an origin such as https://example.org."
            )
    if settings.limits.max_sdp_bytes >= settings.limits.max_message_bytes:
        raise ConfigurationError("`max_sdp_bytes` must be below `max_message_bytes`: an offer is inside a message.")
    for address in settings.network.public_ips:
        for port in (settings.network.outside_udp_port, settings.network.outside_tcp_port):
            if not usable_by_browsers(address, port):
                raise ConfigurationError(
                    f"`public_address` {address} can't be used with media port {port}: Chromium ignores"
                    " ports below 1024, except 80 and 443 on public addresses. Set `media_port` to 1024 or above."
                )
    _check_tls(settings)
    _check_turn(settings)
    _check_about(settings.about)
    _check_accounts(settings)


def _no_network(written: str) -> str:
    try:
        whole = ipaddress.ip_network(written, strict=False)
    except ValueError:
        return "not an IP address or network"
    return f"an address in a network: write {whole} for all of it, or the address alone"


def _check_tls(settings: Settings) -> None:
    given = settings.https.tls_cert is not None, settings.https.tls_key is not None
    if given[0] != given[1]:
        raise ConfigurationError("`tls_cert` and `tls_key` belong together: set both or neither.")
    if settings.https.tls is not None and any(given):
        raise ConfigurationError("`tls` = self-signed and `tls_cert` exclude each other: remove one of them.")


def _check_about(about: AboutSettings) -> None:
    """These become links on pages: what is no page and no mailbox must not."""
    if about.site_contact is not None and not (
        PAGE.fullmatch(about.site_contact) or MAIL.fullmatch(about.site_contact)
    ):
        raise ConfigurationError(
            f"`site_contact` is {about.site_contact!r}, which is neither an e-mail address nor a URL such as"
            " https://example.org/contact."
        )
    if about.site_imprint is not None and not PAGE.fullmatch(about.site_imprint):
        raise ConfigurationError(
            f"`site_imprint` is {about.site_imprint!r}, which is not a URL such as https://example.org/imprint."
        )
    for written in about.site_links:
        title, url = link_of(written)
        if not title or not PAGE.fullmatch(url):
            raise ConfigurationError(
                f"`site_links` has {written!r}, which is not a title and a URL, such as Help https://example.org/help."
            )


def _check_accounts(settings: Settings) -> None:
    account = settings.account
    if (account.oidc_issuer is None) != (account.oidc_client_id is None):
        raise ConfigurationError("`oidc_issuer` and `oidc_client_id` belong together: set both or neither.")
    if account.oidc_issuer is not None and not is_safe(account.oidc_issuer):
        raise ConfigurationError(
            f"`oidc_issuer` is {account.oidc_issuer!r}, which is not a URL by HTTPS such as"
            " https://id.example.org/realms/people."
        )
    if account.oidc_required_claim is not None and account.oidc_issuer is None:
        raise ConfigurationError("`oidc_required_claim` needs `oidc_issuer`: nobody else tells of such a claim.")
    if account.are_on and settings.state.database == DATABASE_OFF:
        raise ConfigurationError("`accounts` needs a `database`, which is `off`: accounts would not last.")


def _check_turn(settings: Settings) -> None:
    if (settings.turn.turn_secret is None) != (not settings.turn.turn_urls):
        raise ConfigurationError("`turn_secret` and `turn_urls` belong together: set both or neither.")
    for url in settings.turn.turn_urls:
        if not TURN_URL.fullmatch(url):
            raise ConfigurationError(
                f"`turn_urls` has {url!r}, which is not a URL such as turns:turn.example.org:443?transport=tcp."
            )
    if settings.turn.turn_sni is not None and not settings.turn.turn_urls:
        raise ConfigurationError("`turn_sni` needs `turn_urls`: without them no browser knows of the TURN server.")
    host, _, port = settings.turn.turn_backend.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise ConfigurationError(f"`turn_backend` is {settings.turn.turn_backend!r}, which is not host:port.")
