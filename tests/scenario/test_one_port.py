"""One TCP port: pages with and without TLS, certificates that are renewed, and connections that say nothing."""

import asyncio
import contextlib
import datetime
import errno
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest

from relay.app import Relay
from relay.checks.finding import exit_code, in_words
from relay.checks.run import check
from relay.config.settings import EngineChoice, TlsChoice
from relay.errors import ConfigurationError
from relay.front import handover, mux, tls
from relay.front.self_signed import self_signed
from relay.observe.drops import Drop
from relay.transport import asyncio_port
from relay.transport.udp import UdpSocket
from tests.kit.certificates import anyone, certificate_of
from tests.kit.people import PATIENCE
from tests.kit.ports import free_port
from tests.kit.servers import on_loopback, running

NOW = datetime.datetime.now(datetime.UTC)


async def ends(reader: asyncio.StreamReader) -> None:
    """Wait until the server closes, having said nothing."""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read(1) == b""


async def test_with_a_certificate_of_its_own_page_and_websocket_are_secure(tmp_path: Path) -> None:
    async with (
        running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay,
        aiohttp.ClientSession() as client,
    ):
        base = f"https://127.0.0.1:{relay.port}"
        trusted = ssl.create_default_context(cafile=tmp_path / "self-signed.pem")
        async with client.get(f"{base}/videochat/health", ssl=trusted) as response:
            assert response.status == 200
        async with client.ws_connect(f"{base}/ws", ssl=trusted) as socket:
            assert "connected" in await socket.receive_str()
        assert (tmp_path / "self-signed.key").stat().st_mode & 0o077 == 0


async def test_one_who_has_shaken_hands_gives_the_place_for_it_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "MOST_HANDSHAKES_PER_ADDRESS", 2)
    async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay:
        those = [await asyncio.open_connection("127.0.0.1", relay.port, ssl=anyone()) for _ in range(5)]
        for reader, writer in those:
            writer.write(b"GET /videochat/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with asyncio.timeout(PATIENCE):
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for _, writer in those:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        assert relay.stats().drops.get(Drop.TCP_CROWDED, 0) == 0


async def test_plain_http_is_shown_the_way_to_https(tmp_path: Path) -> None:
    async with (
        running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay,
        aiohttp.ClientSession() as client,
    ):
        url = f"http://127.0.0.1:{relay.port}/videochat/health?x=1"
        async with client.get(url, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (308, url.replace("http", "https", 1))


async def test_tls_below_1_2_is_refused(tmp_path: Path) -> None:
    async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay:
        old = anyone()
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = ssl.TLSVersion.TLSv1_1
        _, writer = await asyncio.open_connection("127.0.0.1", relay.port, ssl=old)
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        writer.close()
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", relay.port, ssl=old)


async def test_a_renewed_certificate_is_shown_to_new_connections_once_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "LOOK_INTERVAL", 0.0)
    first, second = (self_signed(tmp_path / name, (), NOW) for name in ("first", "second"))
    async with running(on_loopback(tls_cert=str(first[0]), tls_key=str(first[1]))) as relay:
        port = relay.port
        old = await certificate_of(port)
        second[0].replace(first[0])
        assert await certificate_of(port) == old, "its key is not there yet"
        second[1].replace(first[1])
        assert await certificate_of(port) != old
        first[0].unlink()
        assert await certificate_of(port) != old


def test_the_self_signed_certificate_is_kept_until_addresses_or_time_demand_another(tmp_path: Path) -> None:
    chain, _ = self_signed(tmp_path, ("192.0.2.1",), NOW)
    made = chain.read_bytes()
    self_signed(tmp_path, ("192.0.2.1",), NOW + datetime.timedelta(days=700))
    assert chain.read_bytes() == made
    self_signed(tmp_path, ("192.0.2.1", "2001:db8::1"), NOW)
    assert chain.read_bytes() != made
    made = chain.read_bytes()
    self_signed(tmp_path, ("192.0.2.1", "2001:db8::1"), NOW + datetime.timedelta(days=790))
    assert chain.read_bytes() != made


@pytest.mark.parametrize("broken", ["missing", "foreign"])
def test_a_certificate_that_can_not_be_used_stops_start_up_with_a_sentence(tmp_path: Path, broken: str) -> None:
    chain, _ = self_signed(tmp_path / "one", (), NOW)
    other = self_signed(tmp_path / "two", (), NOW)[1] if broken == "foreign" else tmp_path / "nothing.pem"
    with pytest.raises(ConfigurationError, match=str(chain)):
        Relay(on_loopback(tls_cert=str(chain), tls_key=str(other)))


async def test_a_connection_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mux, "PATIENCE", 0.05)
    async with running(on_loopback()) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        await ends(reader)
        writer.close()
        assert relay.stats().drops[Drop.TCP_SILENT] == 1


async def test_what_is_neither_tls_nor_http_nor_ice_is_closed_unanswered() -> None:
    async with running(on_loopback()) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(b"\xffSMB")
        await ends(reader)
        writer.close()
        assert relay.stats().drops[Drop.TCP_UNKNOWN] == 1


async def test_the_first_bytes_may_come_one_by_one() -> None:
    async with running(on_loopback()) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        for byte in b"GET /videochat/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.parametrize("first", [1, 5, 6, 100, -1])
async def test_a_hello_may_come_in_two_segments(tmp_path: Path, first: int) -> None:
    """As those of browsers do that are too large for one: the server looks at the first, and again at both."""
    async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        person = anyone().wrap_bio(incoming, outgoing)
        with pytest.raises(ssl.SSLWantReadError):
            person.do_handshake()
        hello = outgoing.read()
        writer.write(hello[:first])
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(hello[first:])
        async with asyncio.timeout(PATIENCE):
            while True:
                incoming.write(await reader.read(65_536))
                with contextlib.suppress(ssl.SSLWantReadError):
                    person.do_handshake()
                    break
            writer.write(outgoing.read())
            person.write(b"GET /videochat/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            writer.write(outgoing.read())
            answered = b""
            while not answered:
                incoming.write(await reader.read(65_536))
                with contextlib.suppress(ssl.SSLWantReadError):
                    answered = person.read()
        writer.close()
    assert answered.startswith(b"HTTP/1.1 200")


async def test_who_has_spoken_or_left_no_longer_counts_as_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mux, "MOST_SILENT_PER_ADDRESS", 2)
    async with running(on_loopback()) as relay:
        for leaves in (False, True) * 3:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            if leaves:
                # The server notices the end of what it watches.
                writer.write_eof()
                await ends(reader)
            else:
                writer.write(b"GET /videochat/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                async with asyncio.timeout(PATIENCE):
                    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()
        # There is room for two who take their time.
        held = [await asyncio.open_connection("127.0.0.1", relay.port) for _ in range(2)]
        for reader, writer in held:
            writer.write(b"GET /videochat/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with asyncio.timeout(PATIENCE):
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()
        assert Drop.TCP_CROWDED not in relay.stats().drops


async def test_one_address_holds_only_so_many_silent_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mux, "MOST_SILENT_PER_ADDRESS", 2)
    async with running(on_loopback()) as relay:
        held = [await asyncio.open_connection("127.0.0.1", relay.port) for _ in range(3)]
        await ends(held[0][0])
        assert relay.stats().drops[Drop.TCP_CROWDED] == 1
        # Who means to speak has a moment for it: the one that has been silent for longest went.
        held[2][1].write(b"GET /videochat/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            assert (await held[2][0].readline()).startswith(b"HTTP/1.1 200")
        for _, other in held:
            other.close()


async def test_who_spoke_while_the_server_stood_still_was_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """People behind one address come back at once, and nobody looks at what they said before all are accepted."""
    monkeypatch.setattr(mux, "MOST_SILENT_PER_ADDRESS", 2)
    async with running(on_loopback()) as relay:
        # Nothing is awaited meanwhile: the server's loop is this one.
        people = [socket.create_connection(("127.0.0.1", relay.port)) for _ in range(8)]
        for person in people:
            person.sendall(b"GET /videochat/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for person in people:
            reader, writer = await asyncio.open_connection(sock=person)
            async with asyncio.timeout(PATIENCE):
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()
        assert Drop.TCP_CROWDED not in relay.stats().drops


async def test_when_too_many_are_silent_the_oldest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mux, "MOST_SILENT", 2)
    async with running(on_loopback()) as relay:
        held = [await asyncio.open_connection("127.0.0.1", relay.port) for _ in range(3)]
        await ends(held[0][0])
        assert relay.stats().drops[Drop.TCP_CROWDED] == 1
        for _, writer in held:
            writer.close()


@pytest.mark.parametrize("secure", [True, False])
async def test_tls_for_the_turn_server_reaches_it_untouched(tmp_path: Path, secure: bool) -> None:
    chain, key = self_signed(tmp_path / "turn", (), NOW)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        backend = await asyncio.start_server(echo, sock=listener, ssl=context)
        settings: dict[str, object] = {
            "turn_urls": ("turns:turn.test:443?transport=tcp",),
            "turn_secret": "correct horse",
            "turn_sni": "turn.test",
            "turn_backend": f"127.0.0.1:{listener.getsockname()[1]}",
        }
        if secure:
            settings |= {"tls": TlsChoice.SELF_SIGNED, "state_dir": str(tmp_path / "relay")}
        async with backend, running(on_loopback(**settings)) as relay:
            connect = asyncio.open_connection("127.0.0.1", relay.port, ssl=anyone(), server_hostname="turn.test")
            reader, writer = await connect
            writer.write(b"allocate\n")
            async with asyncio.timeout(PATIENCE):
                assert await reader.readline() == b"ALLOCATE\n"
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            assert shown == ssl.PEM_cert_to_DER_cert(chain.read_text())
            writer.close()


@pytest.mark.parametrize("engine", list(EngineChoice))
@pytest.mark.parametrize("media_bind", [("127.0.0.2",), ("0.0.0.0",)])
async def test_pages_may_be_at_one_address_and_media_at_another_with_one_number(
    engine: EngineChoice, media_bind: tuple[str, ...]
) -> None:
    binds = {"bind": (), "public_address": (), "http_bind": ("127.0.0.1",), "media_bind": media_bind}
    async with running(on_loopback(engine=engine, **binds)) as relay:
        port = relay.port
        assert ("127.0.0.1" in relay.addresses, "127.0.0.2" in relay.addresses) == (False, media_bind == ("127.0.0.2",))
        async with aiohttp.ClientSession() as client:
            async with client.get(f"http://127.0.0.1:{port}/videochat/health") as response:
                assert response.status == 200
            with pytest.raises(aiohttp.ClientError):
                await client.get(f"http://127.0.0.2:{port}/videochat/health")
        found = await check(relay.settings)
        assert exit_code(found) == 0, in_words(found)


async def test_a_media_port_of_its_own_takes_no_pages() -> None:
    async with running(on_loopback(media_port=free_port())) as relay, aiohttp.ClientSession() as client:
        async with client.get(f"http://127.0.0.1:{relay.port}/videochat/health") as response:
            assert response.status == 200
        with pytest.raises(aiohttp.ClientError):
            await client.get(f"http://127.0.0.1:{relay.settings.network.tcp_port}/videochat/health")


@pytest.mark.parametrize("host", ["::", "0.0.0.0"])
async def test_a_machine_without_ipv6_is_served_over_ipv4(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """What is lacking may be the other kind, too: that is a mistake, and no start without it."""
    listen = mux._listen

    def lacks(asked: str) -> None:
        if asked == host:
            raise OSError(errno.EAFNOSUPPORT, "no such family")

    def stream(asked: str, port: int) -> socket.socket:
        lacks(asked)
        return listen(asked, port)

    def datagrams(asked: str, port: int) -> UdpSocket:
        lacks(asked)
        return UdpSocket(asked, port)

    settings = on_loopback(bind=(), engine=EngineChoice.FRAMES)
    monkeypatch.setattr(mux, "_listen", stream)
    monkeypatch.setattr(asyncio_port, "UdpSocket", datagrams)
    if host == "0.0.0.0":
        with pytest.raises(ConfigurationError):
            await Relay(settings).start()
        return
    async with (
        running(settings) as relay,
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{relay.port}/videochat/health") as response,
    ):
        assert response.status == 200
