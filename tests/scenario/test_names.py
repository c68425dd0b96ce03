"""By which names the server is asked for: whose pages may open its WebSocket, and which hosts it serves."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from relay.app import Relay
from relay.config.settings import ForwardedHeader, Settings, TlsChoice
from relay.errors import ErrorCode
from tests.kit.certificates import anyone
from tests.kit.servers import ask, on_loopback, running

PATH = "/videochat/health/live"
NAME = "chat.example"


async def opens(relay: Relay, *origins: str, tls: ssl.SSLContext | None = None, **headers: Any) -> bool:
    """Whether a page of this origin gets a WebSocket."""
    given = [(name.replace("_", "-"), str(value)) for name, value in headers.items()]
    given += [("Origin", origin) for origin in origins]
    given += [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
    given += [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
    status, _, _ = await ask(relay, "/ws", given, tls)
    assert status in (101, 403)
    return status == 101


class TestOrigins:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback(
            hosts=(NAME, "[2001:db8::1]"),
            allowed_origins=("https://friend.example",),
        )

    @pytest.mark.parametrize(
        ("host", "origin"),
        [
            (NAME, f"http://{NAME}"),
            (NAME, f"http://{NAME}:80"),
            (f"{NAME}:80", f"http://{NAME}"),
            (f"{NAME}:8080", f"http://{NAME}:8080"),
            (NAME, f"HTTP://{NAME.upper()}"),
            (f"{NAME}.", f"http://{NAME}"),
            ("[2001:db8::1]:8080", "http://[2001:DB8:0::1]:8080"),
            # A proxy may have ended TLS without telling.
            (NAME, f"https://{NAME}"),
            (f"{NAME}:443", f"https://{NAME}"),
            (f"{NAME}:8443", f"https://{NAME}:8443"),
            (NAME, "https://friend.example:443"),
        ],
    )
    async def test_our_own_page_may_connect(self, relay: Relay, host: str, origin: str) -> None:
        assert await opens(relay, origin, Host=host)

    @pytest.mark.parametrize(
        ("host", "origin"),
        [
            (NAME, "null"),
            (NAME, ""),
            (NAME, "https://evil.example"),
            (NAME, f"http://user@{NAME}"),
            (NAME, f"http://{NAME}@evil.example"),
            (NAME, f"http://{NAME}/"),
            (NAME, f"http://{NAME}.evil.example"),
            (NAME, f"http://{NAME}:8080"),
            (f"{NAME}:8080", f"http://{NAME}"),
            (f"{NAME}:443", f"http://{NAME}:444"),
            (NAME, f"ws://{NAME}"),
            (NAME, f"file://{NAME}"),
            (NAME, f"//{NAME}"),
            (NAME, f"http://{NAME}:"),
            (NAME, f"http://{NAME}:99999"),
            (NAME, f"http://{NAME} http://{NAME}"),
            (NAME, "http://friend.example"),
            ("[2001:db8::1]", "http://[2001:db8::2]"),
        ],
    )
    async def test_others_may_not(self, relay: Relay, host: str, origin: str) -> None:
        assert not await opens(relay, origin, Host=host)
        assert relay.stats().refusals == {"origin_refused": 1}

    async def test_two_origins_are_none(self, relay: Relay) -> None:
        assert not await opens(relay, f"http://{NAME}", f"http://{NAME}", Host=NAME)

    async def test_a_stranger_does_not_say_where_our_page_is(self, relay: Relay) -> None:
        claims: dict[str, Any] = {
            "X_Forwarded_Host": "evil.example",
            "X_Forwarded_For": "192.0.2.1",
            "Forwarded": "host=evil.example",
        }
        assert not await opens(relay, "https://evil.example", Host=NAME, **claims)

    async def test_each_is_logged_once_and_what_a_proxy_may_lack(
        self, relay: Relay, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for origin in ("https://evil.example", "https://evil.example", "https://other.example"):
            await opens(relay, origin, Host=NAME)
        written = capsys.readouterr().out
        assert written.count("origin_refused") == 2
        assert "X-Forwarded-Proto" in written
        assert relay.tally.refusals[ErrorCode.ORIGIN_REFUSED] == 3


async def test_a_page_without_tls_may_not_open_the_socket_that_has_it(tmp_path: Path) -> None:
    async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay:
        here = f"127.0.0.1:{relay.port}"
        assert await opens(relay, f"https://{here}", tls=anyone())
        assert not await opens(relay, f"http://{here}", tls=anyone())


@pytest.mark.parametrize("header", list(ForwardedHeader))
async def test_a_trusted_proxy_says_by_which_scheme_and_name_visitors_come(header: ForwardedHeader) -> None:
    def said(scheme: str, host: str) -> dict[str, Any]:
        if header is ForwardedHeader.FORWARDED:
            return {"Forwarded": f'for=192.0.2.9;proto={scheme};host="{host}"'}
        return {"X_Forwarded_For": "192.0.2.9", "X_Forwarded_Proto": scheme, "X_Forwarded_Host": host}

    async with running(on_loopback(trusted_proxies=("127.0.0.1",), forwarded_header=header)) as relay:
        assert await opens(relay, f"https://{NAME}", Host="inner:8080", **said("https", NAME))
        assert await opens(relay, f"https://{NAME}:8443", Host="inner", **said("https", f"{NAME}:8443"))
        assert not await opens(relay, f"http://{NAME}", Host="inner:8080", **said("https", NAME))
        assert not await opens(relay, f"https://{NAME}", Host="inner:8080", **said("http", NAME))
        assert not await opens(relay, "http://inner:8080", Host="inner:8080", **said("https", NAME))


async def status(relay: Relay, host: str, path: str = PATH, **headers: str) -> int:
    given = [("Host", host), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return (await ask(relay, path, given))[0]


class TestHosts:
    @pytest.mark.parametrize(
        "host", ["localhost", "LOCALHOST:8080", "a.localhost", "127.0.0.1", "127.1.2.3:1", "[::1]"]
    )
    async def test_over_loopback_this_machine_is_served(self, relay: Relay, host: str) -> None:
        assert await status(relay, host) == 200

    @pytest.mark.parametrize("host", ["rebound.attacker.example", "localhost.attacker.example", "192.0.2.1", "a b", ""])
    @pytest.mark.parametrize("path", [PATH, "/", "/ws", "/metrics", "/nothing", "/assets/nothing"])
    async def test_over_loopback_no_other_name_is(self, relay: Relay, host: str, path: str) -> None:
        assert await status(relay, host, path, X_Forwarded_For="192.0.2.1", X_Forwarded_Host="localhost") == 421

    async def test_it_is_said_why_and_to_the_operator_how_to_change_it(
        self, relay: Relay, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for _ in range(3):
            _, headers, body = await ask(relay, PATH, [("Host", "chat.example\\x1b[31m")])
        assert b'"host_refused"' in body
        assert b"chat.example" not in body
        assert headers["Cache-Control"] == "no-store"
        assert "RELAY_HOSTS" in (written := capsys.readouterr().out)
        assert written.count("host_refused") == 1
        assert relay.stats().refusals == {"host_refused": 3}

    async def test_what_a_trusted_proxy_passes_on_is_served(self) -> None:
        async with running(on_loopback(trusted_proxies=("127.0.0.1",))) as relay:
            assert await status(relay, NAME, X_Forwarded_For="192.0.2.1") == 200
            assert await status(relay, NAME) == 421

    async def test_with_a_list_others_are_refused(self) -> None:
        async with running(on_loopback(hosts=(NAME, "2001:db8::1"), trusted_proxies=("127.0.0.1",))) as relay:
            for host in (NAME, f"{NAME.upper()}:8443", f"{NAME}.", "[2001:db8:0::1]:8080", "localhost", "127.0.0.1"):
                assert await status(relay, host) == 200, host
            for host in (f"www.{NAME}", "evil.example", "192.0.2.1", f"{NAME}@evil.example", f"{NAME}:x", f"{NAME}/"):
                assert await status(relay, host) == 421, host
                assert await status(relay, host, X_Forwarded_For="192.0.2.1") == 421, host
            assert await status(relay, "127.0.0.1", X_Forwarded_For="192.0.2.1", X_Forwarded_Host=NAME) == 200
            assert await status(relay, NAME, X_Forwarded_For="192.0.2.1", X_Forwarded_Host="evil.example") == 421

    async def test_the_way_to_https_leads_to_no_other_name(self, tmp_path: Path) -> None:
        async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path), hosts=(NAME,))) as relay:
            _, headers, _ = await ask(relay, "/a?b", [("Host", NAME)])
            assert headers["Location"] == f"https://{NAME}/a?b"
            refused, headers, _ = await ask(relay, "/a?b", [("Host", "evil.example")])
            assert (refused, headers.get("Location")) == (421, None)
