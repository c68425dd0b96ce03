"""What is said when the server begins to serve: one event for the log, and the same in plain lines on a terminal."""

import datetime
import sys
from collections.abc import Sequence
from typing import TextIO

from relay import __version__
from relay.app import Relay
from relay.checks.limits import bound_in_words
from relay.config.settings import EngineChoice, Settings
from relay.config.sources import Configuration
from relay.observe.logs.logging import get_logger

TAKING_PEOPLE = "serving"
INJECTED = "Kubernetes and Docker's links write them for a service called relay; `enableServiceLinks: false` ends it"

log = get_logger("app")


def tell(configuration: Configuration, relay: Relay, terminal: TextIO = sys.stderr) -> None:
    """All of it, once."""
    facts = _facts(configuration, relay)
    log.info(TAKING_PEOPLE, **facts)
    _warn(configuration, relay)
    if terminal.isatty():
        width = max(map(len, facts))
        lines = (f"  {name.replace('_', ' '):<{width}}  {said}" for name, said in facts.items())
        print("\nThe relay takes people.", *lines, "", sep="\n", file=terminal)


def _facts(configuration: Configuration, relay: Relay) -> dict[str, str]:
    settings = configuration.settings
    return {
        "version": __version__,
        "open": relay.url,
        "listens": _listens(settings),
        "media_port": f"udp {settings.network.udp_port} and tcp {settings.network.tcp_port}",
        "advertised": ", ".join(relay.addresses),
        "engine": f"{relay.media.choice.value} ({relay.media.reason})",
        "capacity": f"{relay.settings.capacity.max_people} people; {bound_in_words(settings)}",
        "certificate": _certificate(relay),
        "settings": _sources(configuration),
        "lacking": "; ".join(_lacking(settings, relay)) or "nothing",
    }


def _warn(configuration: Configuration, relay: Relay) -> None:
    settings = configuration.settings
    if relay.media.choice is EngineChoice.FRAMES and settings.media.engine is None:
        remedy = "install a Rust toolchain, and install the package again (in a clone, `make run` does)"
        log.warning("native_core_not_built", carries="a handful of people", remedy=remedy)
    if configuration.ignored:
        log.warning("variables_ignored", variables=", ".join(configuration.ignored), remedy=INJECTED)


def injected(variables: Sequence[str]) -> str:
    """Of variables that were meant for somebody else."""
    return f"{', '.join(variables)}: not read. {INJECTED}."


def _listens(settings: Settings) -> str:
    pages, media = (
        ", ".join(hosts) or "all addresses" for hosts in (settings.network.http_hosts, settings.network.media_hosts)
    )
    return pages if pages == media else f"pages at {pages}, media at {media}"


def _certificate(relay: Relay) -> str:
    if relay.certificate_ends is None:
        return "none"
    ends = datetime.datetime.fromtimestamp(relay.certificate_ends, datetime.UTC)
    return f"{'ended' if ends <= datetime.datetime.now(datetime.UTC) else 'until'} {ends:%Y-%m-%d}"


def _sources(configuration: Configuration) -> str:
    """Where settings came from, with their names."""
    by_origin: dict[str, list[str]] = {}
    for name, origin in configuration.origins.items():
        if not origin.startswith("default"):
            by_origin.setdefault(origin, []).append(name)
    return "; ".join(f"{origin}: {', '.join(names)}" for origin, names in by_origin.items()) or "defaults"


def _lacking(settings: Settings, relay: Relay) -> list[str]:
    """What people in the world will miss."""
    found = []
    if settings.https.tls is None and settings.https.tls_cert is None and not settings.site.trusted_proxies:
        found.append("TLS: without it browsers give out the camera on this host only (RELAY_TLS_CERT, RELAY_TLS)")
    if not relay.offers_turn_over_tls and not any(url.startswith("turns:") for url in settings.turn.turn_urls):
        found.append("TURN over TLS: networks that let nothing else through can't be served (`relay check` says why)")
    if settings.operator.operator_token is None:
        found.append("the operator's token: the console is closed (RELAY_OPERATOR_TOKEN)")
    return found
