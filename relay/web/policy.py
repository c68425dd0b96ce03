"""What our pages may load and talk to: the content security policy. Pure."""

import re
from functools import lru_cache

from relay.web.authority import REMEMBERED, Authority

RULES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "media-src 'self' blob: mediastream:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)

_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*", re.ASCII)
"""Host names and IPv4 addresses: the grammar of a policy has no others (CSP level 3, host-source). A browser complains
of an IPv6 address."""


@lru_cache(REMEMBERED)
def policy(host: Authority | None = None, scheme: str | None = None) -> str:
    """For pages from this host and scheme, as visitors see them; no host if that can't be known.

    The page's own WebSocket stands there in words, too: Safari before 16 takes 'self' for the page's scheme alone.
    """
    return "; ".join((*RULES, " ".join(("connect-src 'self'", *_sockets(host, scheme)))))


def _sockets(host: Authority | None, scheme: str | None) -> tuple[str, ...]:
    if host is None or not _NAME.fullmatch(host.host):
        return ()
    place = host.host if host.port is None else f"{host.host}:{host.port}"
    return (f"wss://{place}",) if scheme == "https" else (f"wss://{place}", f"ws://{place}")
