"""Cookies that are nobody's, and consent that somebody else wants to give: nobody meets anybody by them."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.app import Relay
from relay.auth import safekeeping
from relay.auth.keys import Keys
from relay.auth.visitor import LASTS, Visitor, to_cookie
from relay.config.settings import Settings
from relay.web.answers import LINGERING
from relay.web.bodies import LARGEST
from relay.web.server import LARGEST_REQUEST
from tests.kit.agreeing import CONSENT, answer, browser, come, cookie, question
from tests.kit.people import PATIENCE, visit
from tests.kit.servers import on_loopback, running

GIVEN = {"rules": "relay-1", "is_of_age": True}
ID = b"0123456789abcdef"
TODAY = safekeeping.today().toordinal() - 719_163
FRIEND = "https://friend.example"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return on_loopback(consent="required", state_dir=str(tmp_path), allowed_origins=(FRIEND,))


def written(keys: Keys, rules: str = "relay-1", age: int = 18, day: int = TODAY) -> str:
    return to_cookie(Visitor(ID, rules, age, day), keys)


def turned(text: str, place: int) -> str:
    """One bit of one character is another."""
    return text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]


def unsigned(keys: Keys) -> str:
    return written(keys).rpartition(":")[0] + ":"


def signed_for_something_else(keys: Keys) -> str:
    content = written(keys).rpartition(":")[0]
    return f"{content}:{base64.urlsafe_b64encode(keys.sign('account', content.encode())).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        signed_for_something_else,
        lambda keys: written(Keys.temporary()),
        lambda keys: turned(written(keys), 3),
        lambda keys: turned(written(keys), 24),
        lambda keys: turned(written(keys), -2),
        lambda keys: written(keys)[:-1],
        lambda keys: written(keys) + "=",
        lambda keys: written(keys).upper(),
        lambda keys: written(keys).replace(":18:", ":99:"),
        lambda keys: written(keys, day=TODAY - LASTS - 1),
        lambda keys: written(keys, day=TODAY + 2),
        lambda keys: written(keys, rules="relay-0"),
        lambda keys: written(keys, age=17),
        lambda keys: f"{written(keys)}; relay={written(keys)}",
        lambda keys: "a" * 7_000,
        lambda keys: ";" * 7_000,
        lambda keys: "relay=" * 1_000,
        lambda keys: "\u0663" * 400,
        lambda keys: '"' + written(keys) + '"',
    ],
)
async def test_nobody_meets_anybody_by_a_cookie_that_is_not_theirs(
    relay: Relay, forge: Callable[[Keys], str], capsys: pytest.CaptureFixture[str]
) -> None:
    sent = {"Cookie": f"relay={forge(relay._safekeeping.keys)}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}", headers=sent) as client:
        assert (await question(client))["is_needed"]
        async with come(client) as ann:
            await ann.say("find_partner", mode="text")
            assert (await ann.hear("error"))["code"] == "consent_needed"
    assert relay.tally.visitors == {}
    assert "[error" not in capsys.readouterr().out


async def test_the_right_one_is_let_in_by_the_same_way(relay: Relay) -> None:
    sent = {"Cookie": f"other=x; relay={written(relay._safekeeping.keys)}; another=y"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}", headers=sent) as client:
        assert not (await question(client))["is_needed"]


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with browser(relay.port) as session:
        yield session


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": FRIEND}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "text/json"}, 415),
        ({"Content-Type": "application/json-patch+json"}, 415),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
    ],
)
async def test_only_our_own_page_gives_consent(
    client: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    sent = {"Content-Type": "application/json", **headers}
    async with client.post(CONSENT, data=json.dumps(GIVEN), headers=sent) as response:
        assert response.status == status
    assert (cookie(client) is not None) == (status == 204)


async def test_a_page_elsewhere_takes_no_cookie_away(client: aiohttp.ClientSession) -> None:
    await answer(client)
    async with client.delete(CONSENT, headers={"Origin": "https://elsewhere.example"}) as response:
        assert (response.status, await response.json()) == (
            403,
            {"code": "origin_refused", "message": "Only our own pages may ask for this."},
        )
    assert cookie(client) is not None


async def test_a_friends_page_may_not_ask_with_our_cookies_nor_send_json(client: aiohttp.ClientSession) -> None:
    asked = {
        "Origin": FRIEND,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    async with client.options(CONSENT, headers=asked) as response:
        assert "content-type" not in response.headers.get("Access-Control-Allow-Headers", "").lower()
        assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_message"),
        (b"null", 400, "invalid_message"),
        (b"[]", 400, "invalid_message"),
        (b"{}", 400, "invalid_message"),
        (b"\xff\xfe", 400, "invalid_message"),
        (b'{"rules": 1, "is_of_age": true}', 400, "invalid_message"),
        (b'{"rules": "relay-1", "is_of_age": 1}', 400, "invalid_message"),
        (b'{"rules": "relay-1", "is_of_age": "true"}', 400, "invalid_message"),
        (b"[" * 4_000, 400, "invalid_message"),
        (b'{"rules": ' + b'{"a":' * 1_000, 400, "invalid_message"),
        (b'{"rules": "relay-1"}', 403, "consent_needed"),
        (b'{"rules": "relay-1", "is_of_age": false}', 403, "consent_needed"),
        (b'{"rules": "<script>", "is_of_age": true}', 409, "consent_outdated"),
        (b'{"rules": "", "is_of_age": true}', 409, "consent_outdated"),
        (b" " * (LARGEST + 1), 413, "message_too_large"),
        (b" " * (2 * LARGEST_REQUEST), 413, "message_too_large"),
    ],
)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_what_is_no_consent_is_refused_and_repeated_nowhere(
    client: aiohttp.ClientSession, body: bytes, status: int, code: str, is_chunked: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(body), 1_000):
            yield body[place : place + 1_000]

    sent: Any = pieces() if is_chunked else body
    async with client.post(CONSENT, data=sent, headers={"Content-Type": "application/json"}) as response:
        text = await response.text()
        assert (response.status, json.loads(text)["code"]) == (status, code)
        assert "script" not in text
    assert cookie(client) is None


async def test_a_body_that_never_ends_is_not_read_for_ever(relay: Relay) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    head = f"POST {CONSENT} HTTP/1.1\r\nHost: 127.0.0.1:{relay.port}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
    async with asyncio.timeout(LINGERING + PATIENCE):
        with suppress(ConnectionError):
            while not writer.is_closing() and not reader.at_eof():
                writer.write(b"1000\r\n" + b" " * 0x1000 + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0)
    writer.close()


async def test_a_flood_of_consent_is_answered_slowly_and_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    """What it costs is charged to the address, as other requests are."""
    settings = on_loopback(consent="required", state_dir=str(tmp_path), max_cpu_per_address=0.01)

    async def flood(relay: Relay) -> None:
        async with browser(relay.port) as client:
            while True:
                async with client.post(CONSENT, json=GIVEN) as response:
                    assert response.status in (204, 429)
                    client.cookie_jar.clear()

    async with running(settings) as relay, visit(relay.port, "127.0.0.2") as ann:
        loop = asyncio.get_running_loop()
        floods = [asyncio.create_task(flood(relay)) for _ in range(4)]
        async with asyncio.timeout(6 * PATIENCE):
            held_back = 0
            # Seen ten times: they are answered slowly from then on, and nobody else is.
            while held_back < 10:
                began = loop.time()
                await ann.say("ping")
                await ann.hear("pong")
                assert loop.time() - began < 1
                held_back += relay.figures().held_back > 0
                await asyncio.sleep(0.01)
        for task in floods:
            task.cancel()
        await asyncio.wait(floods)
        assert all(task.cancelled() for task in floods)
        assert relay.figures().people == 1
