"""Whether the page is there, by which address, and whether it is ours."""

import ssl
import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
import msgspec
from yarl import URL

from relay.checks.finding import Finding, failure, ok, warning
from relay.checks.plain import SOMETHING_ELSE, plain

CLOCK_TOLERANCE = 60.0
"""Seconds that this clock and the server's may differ."""

HEALTH, DOOR = "videochat/health", "videochat/door"
"""Below the page, which may be in a folder of a site."""

BEHIND = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
"""What proxies say whose server does not answer."""

ROUND_AND_ROUND = (
    "The server has a certificate and wants HTTPS, and a proxy asks it by HTTP: have the proxy ask by https:// (nginx:"
    " proxy_pass https://), or leave TLS to the proxy and set no RELAY_TLS_CERT or RELAY_TLS."
)

FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError)


class _Health(msgspec.Struct):
    ready: bool


async def find_page(
    client: aiohttp.ClientSession, written: str, context: ssl.SSLContext
) -> tuple[URL | None, list[Finding]]:
    """The address that serves the page, and what was found on the way. None: there is no use in going on."""
    tries = _addresses(written)
    if not tries:
        sentence = f"{written} is no address of a page, such as https://chat.example.org/."
        return None, [failure("page", sentence)]
    try:
        return await _ask(client, tries[0], context)
    except aiohttp.ClientConnectorCertificateError as cause:
        there, way = _sent_on(tries[0], cause)
        sentence = f"{way}Browsers refuse {there} or warn of it: {plain(cause)}. If that is meant, ask with --insecure."
        return None, [failure("certificate", sentence)]
    except aiohttp.TooManyRedirects:
        return None, [failure("page", f"{tries[0]} is sent on to itself without end. {ROUND_AND_ROUND}")]
    except FAILURES as cause:
        there, way = _sent_on(tries[0], cause)
        refused = failure("page", f"{way}{there} does not answer: {plain(cause)}.")
    if tries[0].scheme == "https":
        plainly = tries[-1] if len(tries) > 1 else tries[0].with_scheme("http").with_port(tries[0].port)
        try:
            base, found = await _ask(client, plainly, context)
        except FAILURES:
            return None, [refused]
        if len(tries) > 1 or base is None:
            return base, found
        sentence = f"There is no TLS at {tries[0]}. Ask for {plainly}, or give the server a certificate."
        return None, [failure("page", sentence)]
    return None, [refused]


def _sent_on(asked: URL, cause: Exception) -> tuple[URL, str]:
    """Where it failed, and how we came there: a server with a certificate sends those who come by HTTP on to HTTPS."""
    tls = (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError)
    if asked.scheme == "https" or not isinstance(cause, tls):
        return asked, ""
    there = URL.build(scheme="https", host=cause.host, port=cause.port, path="/")
    return there, f"{asked} is sent on to {there}. "


async def why_shut(client: aiohttp.ClientSession, base: URL, context: ssl.SSLContext, status: int) -> Finding:
    """What keeps the WebSocket from being opened by the page, as the server says it."""
    origin = str(base.origin())
    code = None
    try:
        async with client.post(base / DOOR, headers={"Origin": origin}, ssl=context) as response:
            answer = msgspec.json.decode(await response.read(), type=dict[str, object])
            code = "open" if "open" in answer else answer.get("code")
    except (*FAILURES, msgspec.MsgspecError):
        pass
    match code:
        case "origin_refused":
            sentence = (
                "The server refuses its own page, as it gets another Host or X-Forwarded-Proto than browsers send. Have"
                f" the proxy pass them on (nginx: proxy_set_header Host $http_host), or put {origin} into"
                " RELAY_ALLOWED_ORIGINS."
            )
        case "open":
            sentence = (
                f"A proxy does not pass it on (HTTP {status}): have it pass on the headers Upgrade and Connection, by"
                " HTTP/1.1."
            )
        case _:
            sentence = f"It does not open: the handshake is answered with HTTP {status}."
    return failure("WebSocket", sentence)


def _addresses(written: str) -> list[URL]:
    """Those to try in turn: people leave the scheme out."""
    texts = [written] if "://" in written else [f"https://{written}", f"http://{written}"]
    try:
        urls = [URL(text if text.endswith("/") else f"{text}/") for text in texts]
    except ValueError:
        return []
    return [] if any(url.scheme not in ("http", "https") or not url.host for url in urls) else urls


async def _ask(client: aiohttp.ClientSession, url: URL, context: ssl.SSLContext) -> tuple[URL | None, list[Finding]]:
    async with client.get(url / HEALTH, ssl=context) as response:
        # Where redirects led to, such as to HTTPS.
        base = response.url.with_path(response.url.path.removesuffix(HEALTH), keep_query=False)
        status = response.status
        if status == HTTPStatus.MISDIRECTED_REQUEST:
            return None, [failure("page", f"The server does not serve the name in {url}. Add it to RELAY_HOSTS.")]
        date = response.headers.get("Date")
        try:
            health = msgspec.json.decode(await response.read(), type=_Health)
        except msgspec.MsgspecError:
            return None, [failure("page", _of_another(url, status))]
    async with client.get(base, ssl=context) as response:
        if response.status != HTTPStatus.OK:
            return None, [failure("page", f"{url} serves no page: {(await response.text()).strip()[:200]}")]
    found = [ok("page", f"{base} answers."), _clock(date)]
    if not health.ready:
        found.append(failure("server", "It is about to end, and takes nobody any more."))
    return base, found


def _of_another(url: URL, status: int) -> str:
    if status in BEHIND:
        return (
            f"A proxy answers at {url} with HTTP {status}: it does not reach the server. See whether that runs, and"
            " whether the proxy asks the right address and port."
        )
    return f"At {url} {SOMETHING_ELSE} (HTTP {status})."


def _clock(date: str | None) -> Finding:
    if date is None:
        return warning("clock", "The server does not tell the time.")
    off = abs(parsedate_to_datetime(date).timestamp() - time.time())
    if off > CLOCK_TOLERANCE:
        return failure("clock", f"The server's clock and this one differ by {off:.0f} seconds: TURN would refuse us.")
    return ok("clock", "The server's and this one agree.")
