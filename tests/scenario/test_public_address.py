"""The address that browsers are told, where this host does not know it: by a name that moves, and by STUN."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from relay.app import Relay
from relay.checks.finding import Verdict
from relay.checks.host import check_host, check_outside
from relay.config.settings import Settings
from relay.transport import outside
from relay.transport.outside import mapped_address
from tests.kit.certificates import NOW
from tests.kit.offers import ROLES, offer
from tests.kit.people import until, visit
from tests.kit.ports import free_port
from tests.kit.servers import NOTHING_LASTS, running
from tests.kit.turn import COTURN, stun_server


async def offered(relay: Relay) -> list[str]:
    """The addresses in the answer to an offer, over UDP."""
    async with visit(relay.port) as ann:
        await ann.say("webrtc_offer", sdp=offer(), lines=ROLES)
        answer = (await ann.hear("webrtc_answer"))["sdp"]
    return list(dict.fromkeys(re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) ", answer)))


@asynccontextmanager
async def serving(**settings: object) -> AsyncIterator[Relay]:
    async with running(Settings.of(**NOTHING_LASTS, port=free_port(), http_bind=("127.0.0.1",), **settings)) as relay:
        yield relay


async def test_coturn_tells_which_address_it_sees(tmp_path: Path) -> None:
    async with stun_server(tmp_path) as port:
        assert await mapped_address(COTURN, port, ("127.0.0.9",)) == "127.0.0.9"
        assert await mapped_address(COTURN, port, ("0.0.0.0",)) == "127.0.0.1"
        async with serving(media_bind=("0.0.0.0",), stun=f"{COTURN}:{port}") as relay:
            assert relay.addresses[0] == "127.0.0.1"
            assert await offered(relay) == list(relay.addresses)


async def test_a_stun_server_that_does_not_answer_keeps_nobody_from_starting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(outside, "PATIENCE", 0.2)
    async with serving(media_bind=("127.0.0.9",), stun=f"127.0.0.1:{free_port()}") as relay:
        assert relay.addresses == ("127.0.0.9",)
        written = capsys.readouterr().out
        assert written.count("public_address_unknown") == 1
        assert "RELAY_STUN" in written
        _, (finding,) = await check_outside(relay.settings)
        assert finding.verdict is Verdict.FAILURE
        assert "Correct RELAY_STUN" in finding.sentence


async def test_a_name_is_followed_when_it_moves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(outside, "LOOK_INTERVAL", 0.05)
    now = ["203.0.113.7", "2001:db8::7"]
    asked = 0

    async def look_up(name: str) -> list[str]:
        nonlocal asked
        asked += 1
        assert name == "chat.example"
        if not now:
            raise OSError("that name is not known")
        return list(now)

    monkeypatch.setattr(outside, "_addresses_of", look_up)
    async with serving(public_address=("chat.example",)) as relay:
        assert set(await offered(relay)) == set(now)
        now[:] = ["203.0.113.8"]
        await until(lambda: relay.addresses == ("203.0.113.8",))
        assert await offered(relay) == ["203.0.113.8"]
        # What is not known for a while stays.
        now.clear()
        before = asked
        await until(lambda: asked > before + 2)
        assert relay.addresses == ("203.0.113.8",)
    written = capsys.readouterr().out
    assert "public_address_changed" in written
    assert written.count("public_address_unknown") == 1


async def test_a_name_may_stand_beside_an_address_and_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_up(name: str) -> list[str]:
        return ["203.0.113.7"]

    monkeypatch.setattr(outside, "_addresses_of", look_up)
    settings = Settings.of(port=free_port(), public_address=("chat.example", "198.51.100.1"))
    found, missed = await check_outside(settings)
    assert (found, missed) == (("203.0.113.7",), [])
    (told,) = (finding for finding in check_host(settings, NOW, found) if finding.check == "address")
    assert "203.0.113.7, 198.51.100.1" in told.sentence


async def test_while_a_name_is_not_known_the_hosts_own_addresses_have_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_up(name: str) -> list[str]:
        raise OSError("that name is not known")

    monkeypatch.setattr(outside, "_addresses_of", look_up)
    async with serving(media_bind=("127.0.0.9",), public_address=("chat.example",)) as relay:
        assert relay.addresses == ("127.0.0.9",)
