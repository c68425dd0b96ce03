"""What every answer carries: headers for browsers, nothing for those who look for versions; and how TLS is spoken."""

import datetime
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from relay import __version__
from relay.app import Relay
from relay.config.settings import Settings, TlsChoice
from relay.peer import aiortc_bridge
from relay.transport.suites import SUITES
from tests.kit.certificates import anyone
from tests.kit.servers import ask, on_loopback, running
from tests.kit.wire import wire

TOKEN = "a token of the operator"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
YEAR = 31_536_000

ANSWERS = [
    (b"GET / HTTP/1.1", b""),
    (b"GET /operator HTTP/1.1", b""),
    (b"GET /check HTTP/1.1", b""),
    (b"GET /nothing HTTP/1.1", b""),
    (b"GET /metrics HTTP/1.1", b""),
    (b"GET /videochat/health HTTP/1.1", b""),
    (b"GET /videochat/overview HTTP/1.1", b""),
    (b"GET /ws HTTP/1.1", b""),
    (b"DELETE / HTTP/1.1", b""),
    (b"GET / HTTP/1.1", b"Host: another.example\r\n"),
    (b"GET / HTTP/1.1", b"Broken header\r\n"),
    (b"NONSENSE", b""),
    (b"GET /" + b"a" * 20_000 + b" HTTP/1.1", b""),
    (b"GET /ws HTTP/1.1", b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
     b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
]  # fmt: skip


@pytest.fixture
def settings() -> Settings:
    return on_loopback(operator_token=TOKEN)


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}") as session:
        yield session


def certificate(folder: Path) -> tuple[Path, Path]:
    """By an authority of one's own, for `localhost`."""
    now = datetime.datetime.now(datetime.UTC)
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("authority", "localhost")
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(authority, hashes.SHA256())
    )
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, key


@pytest.mark.parametrize(("line", "headers"), ANSWERS)
async def test_every_answer_keeps_to_itself_and_names_no_version(relay: Relay, line: bytes, headers: bytes) -> None:
    host = b"" if b"Host" in headers else b"Host: localhost\r\n"
    async with wire(relay.port) as raw:
        await raw.send(line + b"\r\n" + host + headers + b"\r\n")
        head = (await raw.head()).decode().lower()
        rest = await raw.rest() if head.startswith("http/1.0 400") else b""
    assert b"NONSENSE" not in rest
    assert b"aaa" not in rest
    assert b"Broken" not in rest
    assert head.startswith(("http/1.1 ", "http/1.0 400"))
    for expected in (
        "server: relay\r\n",
        "content-security-policy: default-src 'none'; ",
        "cross-origin-resource-policy: same-origin\r\n",
        "cross-origin-opener-policy: same-origin\r\n",
        "x-content-type-options: nosniff\r\n",
        "referrer-policy: no-referrer\r\n",
    ):
        assert expected in head
    for told in ("python", "aiohttp", __version__):
        assert told not in head
    assert "strict-transport-security" not in head
    # It would keep Firefox behind an HTTP proxy from its media (`tests/network/test_firefox.py`).
    assert "cross-origin-embedder-policy" not in head


@pytest.mark.parametrize(
    ("headers", "sockets"),
    [
        ("Host: localhost:81", "wss://localhost:81 ws://localhost:81"),
        ("Host: a.localhost", "wss://a.localhost ws://a.localhost"),
        ("Host: evil.example", ""),
        ("Host: localhost; script-src *", ""),
        ("Host: localhost\r\nHost: evil.example", ""),
        ("Host: localhost\r\nX-Forwarded-Host: evil.example", "wss://localhost ws://localhost"),
    ],
)
async def test_a_page_may_open_its_own_websocket_and_nobody_elses(relay: Relay, headers: str, sockets: str) -> None:
    """In words as well: Safari before 16 takes 'self' for the scheme of the page alone."""
    async with wire(relay.port) as raw:
        await raw.send(f"GET / HTTP/1.1\r\n{headers}\r\n\r\n".encode())
        (policy,) = re.findall(r"content-security-policy: (.*)\r\n", (await raw.head()).decode().lower())
    assert re.findall(r"connect-src 'self' ?([^;]*)", policy) == [sockets]
    assert "evil" not in policy
    assert "*" not in policy


async def test_over_https_none_but_encrypted_websockets_are_allowed(tmp_path: Path) -> None:
    async def policy(relay: Relay, *headers: tuple[str, str], tls: ssl.SSLContext | None = None) -> str:
        _, answered, _ = await ask(relay, "/", list(headers), tls)
        return answered["Content-Security-Policy"]

    async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay:
        told = await policy(relay, tls=anyone())
        assert told.endswith(f"connect-src 'self' wss://127.0.0.1:{relay.port}")
    async with running(on_loopback(trusted_proxies=("127.0.0.1",))) as relay:
        headers = ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Host", "chat.example"), ("X-Forwarded-Proto", "https")
        assert (await policy(relay, *headers)).endswith("connect-src 'self' wss://chat.example")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/operator", "text/html"),
        ("/videochat/health", "application/json"),
        ("/nothing", "application/json"),
        ("/ws", "text/plain"),
    ],
)
async def test_text_says_how_it_is_encoded(client: aiohttp.ClientSession, path: str, kind: str) -> None:
    async with client.get(path) as response:
        assert response.content_type == kind
        # JSON is UTF-8 by definition (RFC 8259, section 8.1).
        assert response.charset == (None if kind == "application/json" else "utf-8")


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, OPERATOR])
@pytest.mark.parametrize("path", ["rooms", "overview", "nothing", "health", "rooms/x/end", "stats"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_cache_keeps_what_the_operator_is_told(
    client: aiohttp.ClientSession, method: str, path: str, header: dict[str, str]
) -> None:
    async with client.request(method, f"/videochat/{path}", headers=header) as response:
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Vary"] == "Origin, Authorization"


async def test_what_runs_here_is_told_to_the_operator_alone(client: aiohttp.ClientSession) -> None:
    async with client.get("/videochat/health") as response:
        assert await response.json() == {"ready": True, "status": "ok"}
    async with client.get("/videochat/health", headers={"Authorization": "Bearer guessed"}) as response:
        assert response.status == 401
    async with client.get("/videochat/health", headers=OPERATOR) as response:
        health = await response.json()
    assert (health["ready"], health["version"]) == (True, __version__)
    assert health["engine"]


class TestHsts:
    async def asked(self, relay: Relay) -> str | None:
        """Whether or not its client says beforehand that pages follow TLS."""
        url = f"https://127.0.0.1:{relay.port}/videochat/health/live"
        told = set[str | None]()
        for context in (anyone(), anyone("h2", "http/1.1")):
            async with aiohttp.ClientSession() as client, client.get(url, ssl=context) as response:
                assert response.status == 200
                told.add(response.headers.get("Strict-Transport-Security"))
        assert len(told) == 1
        return told.pop()

    async def test_with_a_certificate_browsers_are_to_stay_with_https(self, tmp_path: Path) -> None:
        chain, key = certificate(tmp_path)
        files = {"tls_cert": str(chain), "tls_key": str(key)}
        async with running(on_loopback(**files)) as relay:
            assert await self.asked(relay) == f"max-age={YEAR}"
        async with running(on_loopback(**files, hsts_subdomains=True, hsts_seconds=60)) as relay:
            assert await self.asked(relay) == "max-age=60; includeSubDomains"
        async with running(on_loopback(**files, hsts_seconds=0)) as relay:
            assert await self.asked(relay) is None

    async def test_answers_to_nonsense_say_so_as_well(self, tmp_path: Path) -> None:
        chain, key = certificate(tmp_path)
        async with running(on_loopback(tls_cert=str(chain), tls_key=str(key))) as relay:
            async with wire(relay.port, context=anyone()) as raw:
                await raw.send(b"GET / HTTP/1.1\r\nBroken header\r\n\r\n")
                assert b"Strict-Transport-Security" in await raw.head()
            # Over plain HTTP a browser must not believe it, and is told nothing (RFC 6797, section 7.2).
            async with wire(relay.port) as raw:
                await raw.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                head = await raw.head()
        assert head.startswith(b"HTTP/1.1 308")
        assert b"Strict-Transport-Security" not in head

    async def test_who_has_to_click_a_warning_away_may_go_on_doing_so(self, tmp_path: Path) -> None:
        async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay:
            assert await self.asked(relay) is None
        own = {"tls_cert": str(tmp_path / "self-signed.pem"), "tls_key": str(tmp_path / "self-signed.key")}
        async with running(on_loopback(**own)) as relay:
            assert await self.asked(relay) is None


class TestSuites:
    @pytest.mark.parametrize("suite", [suite for suite in SUITES.split(":") if "ECDSA" in suite])
    async def test_strong_ones_are_taken(self, tmp_path: Path, suite: str) -> None:
        async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay:
            assert await shaken(relay, suite) == suite

    @pytest.mark.parametrize(
        "suite",
        ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-CCM"],
    )
    async def test_others_are_not(self, tmp_path: Path, suite: str) -> None:
        async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay:
            with pytest.raises(ConnectionError):
                await shaken(relay, suite)

    def test_media_and_pages_have_one_list(self) -> None:
        assert vars(aiortc_bridge)["SUITES"] is SUITES


async def shaken(relay: Relay, suite: str) -> str:
    """The suite of a handshake by TLS 1.2 that offers this one."""
    context = anyone()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{suite}:@SECLEVEL=0")
    async with wire(relay.port, context=context) as raw:
        name: str = raw.writer.get_extra_info("cipher")[0]
    return name
