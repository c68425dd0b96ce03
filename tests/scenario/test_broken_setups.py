"""`relay check` and `relay probe` on set-ups that are broken on purpose: each names what is wrong and what to set.

The commands run as people run them, in a process of their own; so does whatever they meet with.
"""

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from relay.app import Relay
from relay.config.settings import TlsChoice
from relay.web import pages
from tests.kit.certificates import certificate
from tests.kit.people import visit
from tests.kit.ports import free_port
from tests.kit.proxies import proxy
from tests.kit.servers import draining, on_loopback, running
from tests.kit.turn import COTURN, RELAY, SECRET, turnserver

NOBODY = "65534"

Command = list[str]
"""What is typed, after `relay`; a first word that is a path of its own is run before it."""
Broken = Callable[[Path], AbstractAsyncContextManager[Command]]


def check(port: int, *more: str, bind: str = "127.0.0.1") -> Command:
    return ["check", f"--port={port}", f"--bind={bind}", f"--public-address={bind}", *more]


def flags(relay: Relay, *more: str) -> Command:
    return check(relay.port, *more)


@asynccontextmanager
async def a_service_called_relay(folder: Path) -> AsyncIterator[Command]:
    yield ["env", "RELAY_PORT=tcp://10.96.0.17:8080", "RELAY_SERVICE_HOST=10.96.0.17", *check(free_port())]


@asynccontextmanager
async def nothing_runs(folder: Path) -> AsyncIterator[Command]:
    yield check(free_port())


@asynccontextmanager
async def another_program_has_udp(folder: Path) -> AsyncIterator[Command]:
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port))
        yield check(port)


@asynccontextmanager
async def another_server_has_tcp(folder: Path) -> AsyncIterator[Command]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nHm.\n")
        writer.close()

    port = free_port()
    async with await asyncio.start_server(answer, "127.0.0.1", port):
        yield check(port)


@asynccontextmanager
async def a_nat_passes_another_port_on(folder: Path) -> AsyncIterator[Command]:
    async with running(on_loopback(public_udp_port=free_port())) as relay:
        yield flags(relay, f"--public-udp-port={relay.settings.network.public_udp_port}")


@asynccontextmanager
async def an_address_that_is_not_ours(folder: Path) -> AsyncIterator[Command]:
    yield check(free_port(), bind="192.0.2.1")


@asynccontextmanager
async def an_address_where_nobody_listens(folder: Path) -> AsyncIterator[Command]:
    yield ["check", f"--port={free_port()}", "--bind=127.0.0.2", "--public-address=127.0.0.1"]


@asynccontextmanager
async def an_expired_certificate(folder: Path) -> AsyncIterator[Command]:
    yield check(free_port(), *certificate(folder, ends=-1))


@asynccontextmanager
async def a_certificate_that_ends_soon(folder: Path) -> AsyncIterator[Command]:
    yield check(free_port(), *certificate(folder, ends=5))


@asynccontextmanager
async def a_certificate_for_another_name(folder: Path) -> AsyncIterator[Command]:
    yield check(free_port(), *certificate(folder), "--hosts=chat.example,talk.example")


@asynccontextmanager
async def an_encrypted_key(folder: Path) -> AsyncIterator[Command]:
    yield check(free_port(), *certificate(folder, password=b"secret"))


@asynccontextmanager
async def the_key_of_another(folder: Path) -> AsyncIterator[Command]:
    for name in ("one", "two"):
        (folder / name).mkdir()
    yield check(free_port(), certificate(folder / "one")[0], certificate(folder / "two")[1])


@asynccontextmanager
async def no_certificate_at_all(folder: Path) -> AsyncIterator[Command]:
    (folder / "chain.pem").write_text("Dear Sir or Madam")
    yield check(free_port(), f"--tls-cert={folder}/chain.pem", f"--tls-key={folder}/chain.pem")


@asynccontextmanager
async def a_certificate_that_is_missing(folder: Path) -> AsyncIterator[Command]:
    yield check(free_port(), f"--tls-cert={folder}/chain.pem", f"--tls-key={folder}/own.key")


@asynccontextmanager
async def a_file_in_the_place_of_the_state_folder(folder: Path) -> AsyncIterator[Command]:
    (folder / "state").touch()
    yield check(free_port(), "--tls=self-signed", f"--state-dir={folder}/state")


@asynccontextmanager
async def nobody_may_open_port_80(folder: Path) -> AsyncIterator[Command]:
    flags = ["check", "--port=80", "--bind=127.0.0.1", "--public-address=203.0.113.7"]
    yield ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *flags]


@asynccontextmanager
async def few_descriptors(folder: Path) -> AsyncIterator[Command]:
    yield ["prlimit", "--nofile=64:64", *check(free_port())]


@asynccontextmanager
async def small_buffers(folder: Path) -> AsyncIterator[Command]:
    yield [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        *check(free_port(), "--max-people=9000"),
    ]


@asynccontextmanager
async def more_people_than_it_carries(folder: Path) -> AsyncIterator[Command]:
    yield check(free_port(), "--max-people=100000")


@asynccontextmanager
async def no_turn_behind_our_port(folder: Path) -> AsyncIterator[Command]:
    turn = ["--turn-urls=turns:turn.example:443", f"--turn-secret={SECRET}", "--turn-sni=turn.example"]
    yield check(free_port(), *turn, f"--turn-backend=127.0.0.1:{free_port()}")


@asynccontextmanager
async def a_page_that_is_not_built(folder: Path) -> AsyncIterator[Command]:
    built, pages.STATIC = pages.STATIC, folder
    try:
        async with running(on_loopback()) as relay:
            yield flags(relay)
    finally:
        pages.STATIC = built


@asynccontextmanager
async def a_full_server(folder: Path) -> AsyncIterator[Command]:
    async with running(on_loopback(max_people=2)) as relay, visit(relay.port), visit(relay.port):
        yield flags(relay)


@asynccontextmanager
async def a_crowded_address(folder: Path) -> AsyncIterator[Command]:
    async with running(on_loopback(max_per_address=1)) as relay, visit(relay.port) as ann:
        await ann.say("find_partner")
        await ann.hear("waiting_for_partner")
        yield flags(relay)


@asynccontextmanager
async def a_server_that_ends(folder: Path) -> AsyncIterator[Command]:
    async with running(on_loopback()) as relay, AsyncExitStack() as stack:
        ann = await stack.enter_async_context(visit(relay.port))
        bob = await stack.enter_async_context(visit(relay.port))
        for person in (ann, bob):
            await person.say("find_partner")
        await stack.enter_async_context(draining(relay, 60))
        yield ["probe", f"127.0.0.1:{relay.port}"]


def through_nginx(name: str, **settings: object) -> Broken:
    @asynccontextmanager
    async def broken(folder: Path) -> AsyncIterator[Command]:
        async with running(on_loopback(**settings)) as relay, proxy(name, folder, relay.port) as url:
            yield ["probe", url]

    return broken


@asynccontextmanager
async def a_proxy_before_nothing(folder: Path) -> AsyncIterator[Command]:
    async with proxy("upgrade and host", folder, free_port()) as url:
        yield ["probe", url.removeprefix("http://")]


def turn(peer: str, *, secret: str = SECRET, secure: bool = False, loopback: bool = True, name: str = COTURN) -> Broken:
    """A coturn that may relay to this address, and how the relay was told of it."""

    @asynccontextmanager
    async def broken(folder: Path) -> AsyncIterator[Command]:
        more = ["--allow-loopback-peers"] if loopback else []
        async with turnserver(folder, peer, *more) as (port, tls_port):
            url = f"turns:{name}:{tls_port}" if secure else f"turn:{name}:{port}?transport=tcp"
            told = {"turn_urls": (url,), "turn_secret": secret}
            async with running(on_loopback(bind=(RELAY,), public_address=(RELAY,), **told)) as relay:
                flags = [f"--turn-urls={url}", f"--turn-secret={secret}"]
                yield check(relay.port, *flags, bind=RELAY)

    return broken


@asynccontextmanager
async def no_coturn(folder: Path) -> AsyncIterator[Command]:
    told = {"turn_urls": (f"turn:127.0.0.1:{free_port()}?transport=tcp",), "turn_secret": SECRET}
    async with running(on_loopback(**told)) as relay:
        yield flags(relay, f"--turn-urls={told['turn_urls'][0]}", f"--turn-secret={SECRET}")


@asynccontextmanager
async def a_self_signed_page(folder: Path) -> AsyncIterator[Command]:
    async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(folder))) as relay:
        yield ["probe", f"127.0.0.1:{relay.port}"]


@asynccontextmanager
async def a_self_signed_page_by_http(folder: Path) -> AsyncIterator[Command]:
    async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(folder))) as relay:
        yield ["probe", f"http://127.0.0.1:{relay.port}"]


@asynccontextmanager
async def a_proxy_that_asks_a_certificate_by_http(folder: Path) -> AsyncIterator[Command]:
    settings = on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(folder), trusted_proxies=("127.0.0.1",))
    async with running(settings) as relay, proxy("nginx.conf", folder, relay.port) as url:
        yield ["probe", "--insecure", url]


@asynccontextmanager
async def a_proxy_without_tls_before_a_certificate(folder: Path) -> AsyncIterator[Command]:
    settings = on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(folder), trusted_proxies=("127.0.0.1",))
    async with running(settings) as relay, proxy("x-forwarded-for is written", folder, relay.port) as url:
        yield ["probe", url]


@asynccontextmanager
async def https_without_tls(folder: Path) -> AsyncIterator[Command]:
    async with running(on_loopback()) as relay:
        yield ["probe", f"https://127.0.0.1:{relay.port}/"]


@asynccontextmanager
async def nobody_is_there(folder: Path) -> AsyncIterator[Command]:
    yield ["probe", f"http://127.0.0.1:{free_port()}/"]


@asynccontextmanager
async def no_address(folder: Path) -> AsyncIterator[Command]:
    yield ["probe", "gopher://chat.example/"]


CASES: list[tuple[Broken, str, str, str]] = [
    (a_service_called_relay, "warn", "environment", "`enableServiceLinks: false`"),
    (nothing_runs, "FAIL", "server", "Start it with `relay serve`"),
    (another_program_has_udp, "FAIL", "UDP port", "Another program uses it: `ss -lupn"),
    (another_server_has_tcp, "FAIL", "page", "something else than this server answers (HTTP 404)"),
    (another_server_has_tcp, "FAIL", "TCP port", "Another program uses it: `ss -ltpn"),
    (a_nat_passes_another_port_on, "FAIL", "media over UDP", "RELAY_PUBLIC_UDP_PORT"),
    (an_address_that_is_not_ours, "FAIL", "UDP port", "no address of this host. Correct RELAY_BIND"),
    (an_address_where_nobody_listens, "FAIL", "address", "media is taken at 127.0.0.2 only (`media_bind`, `bind`)"),
    (an_expired_certificate, "FAIL", "certificate", "Renew it"),
    (a_certificate_that_ends_soon, "warn", "certificate", "It ends in 4 days"),
    (a_certificate_for_another_name, "warn", "certificate", "does not name talk.example"),
    (an_encrypted_key, "FAIL", "certificate", "openssl pkey -in"),
    (the_key_of_another, "FAIL", "certificate", "the key is of another certificate"),
    (no_certificate_at_all, "FAIL", "certificate", "holds no certificate in PEM"),
    (a_certificate_that_is_missing, "FAIL", "certificate", "no such file"),
    (a_file_in_the_place_of_the_state_folder, "FAIL", "certificate", "Set RELAY_STATE_DIR"),
    (nobody_may_open_port_80, "FAIL", "TCP port 80", "CAP_NET_BIND_SERVICE"),
    (few_descriptors, "FAIL", "descriptors", "enough for 16 people"),
    (few_descriptors, "ok", "capacity", "16 people; limited by the files"),
    (small_buffers, "warn", "receive buffer", "Set net.core.rmem_max to"),
    (more_people_than_it_carries, "warn", "capacity", "this machine carries"),
    (no_turn_behind_our_port, "FAIL", "TURN over TLS", "Nothing listens at RELAY_TURN_BACKEND"),
    (a_page_that_is_not_built, "FAIL", "page", "Run `make client`"),
    (a_full_server, "FAIL", "WebSocket", "`relay check` on the server says what limits it"),
    (a_crowded_address, "FAIL", "WebSocket", "RELAY_TRUSTED_PROXIES"),
    (a_server_that_ends, "FAIL", "server", "takes nobody any more"),
    (through_nginx("upgrade without host"), "FAIL", "WebSocket", "proxy_set_header Host $http_host"),
    (through_nginx("host without upgrade"), "FAIL", "WebSocket", "headers Upgrade and Connection"),
    (through_nginx("another host", hosts=("chat.example",)), "FAIL", "page", "RELAY_HOSTS"),
    (a_proxy_before_nothing, "FAIL", "page", "does not reach the server"),
    (turn(RELAY, secret="something else"), "FAIL", "TURN", "RELAY_TURN_SECRET"),
    (turn("192.0.2.9"), "FAIL", "TURN", f"--allowed-peer-ip={RELAY} and --allow-loopback-peers"),
    (turn(RELAY, secure=True), "FAIL", "TURN", "Browsers take no other"),
    (turn(RELAY, name=f"{'x' * 64}.example"), "FAIL", "TURN", "is not known. Correct RELAY_TURN_URLS"),
    (no_coturn, "FAIL", "TURN", "Is coturn running there?"),
    (a_self_signed_page, "FAIL", "certificate", "ask with --insecure"),
    (a_self_signed_page_by_http, "FAIL", "certificate", "is sent on to https://127.0.0.1:"),
    (a_proxy_that_asks_a_certificate_by_http, "FAIL", "page", "nginx: proxy_pass https://"),
    (a_proxy_without_tls_before_a_certificate, "FAIL", "page", "is sent on to https://127.0.0.1:"),
    (https_without_tls, "FAIL", "page", "There is no TLS"),
    (nobody_is_there, "FAIL", "page", "connection refused"),
    (no_address, "FAIL", "page", "no address of a page"),
]


async def said(command: Command) -> tuple[int, str, str]:
    """The exit code of `relay`, and what it wrote."""
    program = [sys.executable, "-m", "relay"]
    at = next(place for place, word in enumerate(command) if word in ("check", "config", "probe", "serve"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    process = await asyncio.create_subprocess_exec(
        *command[:at],
        *program,
        *command[at:],
        env={**environment, "HOME": "/nonexistent"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def skip_unless_possible(command: Command) -> None:
    """Only root becomes somebody else, whom it may have shut out of the folders with the program."""
    if command[0] == "setpriv" and (await said([*command[:4], "config"]))[0]:
        pytest.skip("nobody else can run the program here")


def names(case: tuple[Broken, str, str, str]) -> str:
    broken, _, check, words = case
    return f"{broken.__name__}: {check}: {words[:20]}"


@pytest.mark.parametrize(("broken", "verdict", "name", "words"), CASES, ids=map(names, CASES))
async def test_what_is_broken_is_named_with_what_to_set(
    broken: Broken, verdict: str, name: str, words: str, tmp_path: Path
) -> None:
    async with broken(tmp_path) as command:
        await skip_unless_possible(command)
        code, output, errors = await said(command)
    lines = [
        line
        for line in output.splitlines()
        if line.startswith(f"{verdict}  {name}" if verdict != "ok" else f"ok    {name}")
    ]
    assert any(words in line for line in lines), output
    assert code == ("FAIL" in output)
    assert errors == ""
    assert not re.search(r"object at 0x|Traceback|_ssl\.c|\[Errno|<[a-z_.]+[A-Z]", output), output


async def test_with_its_certificate_taken_as_it_is_a_self_signed_server_is_seen_whole(tmp_path: Path) -> None:
    async with a_self_signed_page(tmp_path) as command:
        code, output, errors = await said([*command, "--insecure"])
    assert (code, errors) == (0, ""), output
    assert "https://127.0.0.1" in output


async def test_the_probe_takes_no_settings_and_minds_none(tmp_path: Path) -> None:
    async with running(on_loopback()) as relay:
        code, _, errors = await said(["probe", "--port=1", f"127.0.0.1:{relay.port}"])
        assert code == 2
        assert "--port" in errors
        environment = ["env", "RELAY_PROT=1"]
        code, output, errors = await said([*environment, "probe", f"127.0.0.1:{relay.port}"])
        assert (code, errors) == (0, ""), output


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (an_address_where_nobody_listens, "where nobody listens"),
        (an_encrypted_key, "the key is encrypted"),
        (the_key_of_another, "the key is of another certificate"),
        (no_certificate_at_all, "holds no certificate in PEM"),
        (another_program_has_udp, "Another program uses it"),
        (nobody_may_open_port_80, "CAP_NET_BIND_SERVICE"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_a_start_that_fails_says_the_same_and_asks_nobody(broken: Broken, words: str, tmp_path: Path) -> None:
    async with broken(tmp_path) as command:
        await skip_unless_possible(command)
        code, output, errors = await said([word if word != "check" else "serve" for word in command])
    assert (code, output) == (2, "")
    assert words in errors
    assert "Traceback" not in errors
