"""Handshakes with versions, suites, certificates and fragments that no browser would use."""

import contextlib

import pytest

from relay.app import Relay
from relay.media import connections
from relay.peer import connection
from tests.hostile.dtls_client import STRONG, DtlsClient, hello
from tests.kit.call import live_call
from tests.kit.people import until, visit

pytestmark = pytest.mark.usefixtures("loopback_candidates")

DTLS_1_3, DTLS_1_0 = 0xFEFC, 0xFEFF
AES_GCM_OF_1_3, ECDHE_GCM, ECDHE_CBC = 0x1301, 0xC02B, 0xC00A
ALERT = 21


async def hears_no_hello(client: DtlsClient) -> bool:
    """Whether what comes back, if anything, refuses."""
    try:
        answer = await client.answer()
    except TimeoutError:
        return True
    return answer[0] == ALERT


@pytest.mark.parametrize(
    "first_flight",
    [
        hello((AES_GCM_OF_1_3,), supported=(DTLS_1_3,)),
        hello((AES_GCM_OF_1_3, ECDHE_GCM), version=DTLS_1_0),
        hello((ECDHE_CBC, 0xC009, 0x002F, 0x0035)),
        hello((0x0000, 0xC018, 0x0001)),  # without encryption, without a certificate
    ],
    ids=["1.3 alone", "1.0", "CBC", "null and anonymous"],
)
async def test_what_is_not_strong_enough_is_refused(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, first_flight: bytes
) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_TIMEOUT", 1.0)
    async with live_call(relay.port) as call, visit(relay.port) as visitor:
        with contextlib.closing(DtlsClient(relay.settings.network.udp_port)) as client:
            await client.offer(visitor)
            client.wire.send(first_flight)
            assert await hears_no_hello(client)
            assert (await visitor.hear("error"))["code"] == "connection_failed"
            await call.goes_on()
    assert relay.tally.setups_failed_by_reason() == {"dtls_failed": 1}


@pytest.mark.parametrize(
    ("suites", "fault"),
    [
        (b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA", {}),
        (STRONG, {"certified": False}),
        (STRONG, {"profile": None}),
    ],
    ids=["CBC", "no certificate", "no SRTP"],
)
async def test_openssl_itself_gets_no_keys_with(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, suites: bytes, fault: dict[str, None]
) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_TIMEOUT", 2.0)
    async with live_call(relay.port) as call, visit(relay.port) as visitor:
        with contextlib.closing(DtlsClient(relay.settings.network.udp_port, suites=suites, **fault)) as client:  # type: ignore[arg-type]
            await client.offer(visitor)
            with contextlib.suppress(TimeoutError):
                await client.shake_hands()
            assert (await visitor.hear("error"))["code"] == "connection_failed"
            await call.goes_on()
    assert sum(relay.tally.setups_succeeded.values()) == 2
    assert relay.tally.setups_failed_by_reason() == {"dtls_failed": 1}


@pytest.mark.parametrize("suites", [STRONG, b"ECDHE-ECDSA-AES256-GCM-SHA384", b"ECDHE-ECDSA-CHACHA20-POLY1305"])
async def test_strong_suites_are_taken_in_fragments_too(relay: Relay, suites: bytes) -> None:
    async with visit(relay.port) as visitor:
        with contextlib.closing(DtlsClient(relay.settings.network.udp_port, suites=suites)) as client:
            client.tls.set_ciphertext_mtu(256)
            await client.offer(visitor)
            assert await client.shake_hands()
            assert client.tls.get_cipher_name() == suites.decode()
            assert max(map(len, client.sent)) <= 256, "the certificate came in pieces"
            await until(lambda: sum(relay.tally.setups_succeeded.values()) == 1)


async def test_a_renegotiation_by_openssl_is_refused_and_nobody_minds(relay: Relay) -> None:
    async with live_call(relay.port) as call, visit(relay.port) as visitor:
        with contextlib.closing(DtlsClient(relay.settings.network.udp_port)) as client:
            await client.offer(visitor)
            assert await client.shake_hands()
            assert client.tls.renegotiate()
            again = False
            with contextlib.suppress(TimeoutError):
                again = await client.shake_hands()
            assert not again
            await call.goes_on()


async def test_connections_are_still_made_after_all_that(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_UNSECURED", 4)
    for _ in range(8):
        async with visit(relay.port) as visitor:
            with contextlib.closing(DtlsClient(relay.settings.network.udp_port, certified=False)) as client:
                await client.offer(visitor)
                client.wire.send(hello((ECDHE_GCM,)))
                await client.answer()
    async with live_call(relay.port) as call:
        await call.goes_on()
