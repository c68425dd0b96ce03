"""The operator's console: its page, its endpoints, and who gets in."""

import asyncio
import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest

from relay.app import Relay
from relay.auth import attempts
from relay.auth.attempts import ATTEMPTS
from relay.config.settings import Settings
from relay.figures.history import Sample
from tests.kit.people import PATIENCE, introduce, until, visit
from tests.kit.servers import on_loopback
from tests.kit.wire import status_of

TOKEN = "a token of the operator"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
WRONG = {"Authorization": "Bearer a token of somebody else"}

ENDPOINTS = [("GET", "/videochat/overview"), ("POST", "/videochat/rooms/x/end"), ("POST", "/videochat/drain")]


@pytest.fixture
def settings() -> Settings:
    return on_loopback(operator_token=TOKEN)


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}") as session:
        yield session


async def test_the_overview_shows_people_and_rooms(relay: Relay, client: aiohttp.ClientSession) -> None:
    async with (
        visit(relay.port) as ann,
        visit(relay.port) as bob,
        visit(relay.port),
    ):
        found, _ = await introduce(ann, bob)
        async with client.get("/videochat/overview", headers=OPERATOR) as response:
            assert response.headers["Cache-Control"] == "no-store"
            overview = await response.json()
    assert (overview["people"], overview["talking"], overview["waiting"], overview["matches"]) == (3, 2, 0, 1)
    (room,) = overview["rooms"]
    assert room["room_id"] == found["room_id"]
    assert [set(side) >= {"path", "received", "sent"} for side in room["sides"]] == [True, True]
    assert set(overview["series"]) == set(Sample._fields)
    assert overview["ready"] is True


async def test_a_side_shows_what_its_browser_said(relay: Relay, client: aiohttp.ClientSession) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob)
        room = {"room_id": found["room_id"]}
        await ann.say("first_frame", **room, medium="picture", seconds=0.08)
        await ann.say("quality_report", **room, seconds=2.0, frames_per_second=28.5, height=480, frozen_seconds=0.5)
        await until(lambda: relay.tally.reported.seconds > 0)
        async with client.get("/videochat/overview", headers=OPERATOR) as response:
            sides = (await response.json())["rooms"][0]["sides"]
    told = [(side["frames_per_second"], side["height"], side["frozen"], side["first_frame"]) for side in sides]
    assert told == [(28.5, 480, 0.25, 0.08), (None, None, None, None)]


async def test_the_page_is_for_anyone_and_holds_no_data(client: aiohttp.ClientSession) -> None:
    async with client.get("/operator") as response:
        assert "<title>Relay operator</title>" in await response.text()
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Robots-Tag"] == "noindex"


async def test_only_samples_that_are_new_are_told(relay: Relay, client: aiohttp.ClientSession) -> None:
    relay._history.take(relay._history._read())
    async with client.get("/videochat/overview", headers=OPERATOR) as response:
        (at,) = (await response.json())["series"]["at"]
    async with client.get("/videochat/overview", params={"since": str(at)}, headers=OPERATOR) as response:
        assert (await response.json())["series"]["at"] == []
    async with client.get("/videochat/overview", params={"since": "rubbish"}, headers=OPERATOR) as response:
        assert (await response.json())["series"]["at"] == [at]


async def test_ending_a_room_tells_both_and_they_search_on(relay: Relay, client: aiohttp.ClientSession) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob)
        async with client.post(f"/videochat/rooms/{found['room_id']}/end", headers=OPERATOR) as response:
            assert response.status == 200
        for person in (ann, bob):
            assert await person.hear("partner_disconnected") == {"reason": "operator", "searching": True}
            await person.hear("waiting_for_partner")
        async with client.post(f"/videochat/rooms/{found['room_id']}/end", headers=OPERATOR) as response:
            assert response.status == 404


async def test_who_does_not_search_on_is_idle_after_their_room_was_ended(
    relay: Relay, client: aiohttp.ClientSession
) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await ann.say("find_partner", keep_searching=False)
        await ann.hear("waiting_for_partner")
        await bob.say("find_partner", keep_searching=False)
        room = (await ann.hear("partner_found"))["room_id"]
        await bob.hear("partner_found")
        await client.post(f"/videochat/rooms/{room}/end", headers=OPERATOR)
        for person in (ann, bob):
            assert await person.hear("partner_disconnected") == {"reason": "operator", "searching": False}
        assert len(relay._matchmaker) == 0


async def test_troubles_are_shown_without_addresses(relay: Relay, client: aiohttp.ClientSession) -> None:
    logging.getLogger("relay.test").error("it broke for %s", "203.0.113.9")
    async with client.get("/videochat/overview", headers=OPERATOR) as response:
        text = await response.text()
        (trouble,) = (await response.json())["troubles"]
    assert (trouble["source"], trouble["level"], trouble["times"]) == ("test", "error", 1)
    assert "it broke for address-" in trouble["detail"]
    assert "203.0.113.9" not in text


async def test_drain_is_passed_on() -> None:
    ordered = asyncio.Event()
    settings = on_loopback(operator_token=TOKEN)
    relay = Relay(settings, ordered.set)
    await relay.start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{settings.network.port}") as client:
            async with client.post("/videochat/drain", headers=WRONG) as response:
                assert response.status == 401
            assert not ordered.is_set()
            async with client.post("/videochat/drain", headers=OPERATOR) as response:
                assert response.status == 200
        async with asyncio.timeout(PATIENCE):
            await ordered.wait()
    finally:
        await relay.stop()


@pytest.mark.parametrize("headers", [{}, WRONG])
@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
async def test_without_the_token_nothing_is_told_and_nothing_done(
    client: aiohttp.ClientSession, method: str, path: str, headers: dict[str, str]
) -> None:
    async with client.request(method, path, headers=headers) as response:
        assert response.status == 401
        assert set(await response.json()) == {"code", "message"}


async def test_a_token_in_the_address_opens_nothing(client: aiohttp.ClientSession) -> None:
    async with client.get("/videochat/overview", params={"token": TOKEN, "access_token": TOKEN}) as response:
        assert response.status == 401


async def test_who_guesses_is_made_to_wait(client: aiohttp.ClientSession) -> None:
    for _ in range(ATTEMPTS):
        async with client.get("/videochat/overview", headers=WRONG) as response:
            assert response.status == 401
            assert response.headers["Cache-Control"] == "no-store"
    async with client.get("/videochat/overview", headers=WRONG) as response:
        assert response.status == 429
        assert response.headers["Cache-Control"] == "no-store"
        assert int(response.headers["Retry-After"]) >= 1
        assert (await response.json())["code"] == "rate_limited"


async def test_the_right_token_is_let_in_whatever_others_at_its_address_guessed(client: aiohttp.ClientSession) -> None:
    for _ in range(3 * ATTEMPTS):
        await client.get("/videochat/overview", headers=WRONG)
    async with client.get("/videochat/overview", headers=WRONG) as response:
        assert response.status == 429
    async with client.get("/videochat/overview", headers=OPERATOR) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "near", [TOKEN[:-1], TOKEN + "x", TOKEN.upper(), TOKEN[1:], " " + TOKEN, TOKEN + TOKEN, TOKEN[:-1] + "\xff", ""]
)
async def test_a_near_miss_of_the_token_is_refused(relay: Relay, near: str) -> None:
    line = f"Authorization: Bearer {near}\r\n".encode()
    request = b"GET /videochat/overview HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + line + b"\r\n"
    assert await status_of(relay.port, request) == 401


class TestBehindAProxy:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback(
            operator_token=TOKEN,
            trusted_proxies=("127.0.0.1",),
        )

    async def test_one_addresss_guesses_keep_no_other_address_waiting(self, client: aiohttp.ClientSession) -> None:
        guesser, other = ({"X-Forwarded-For": address} for address in ("192.0.2.1", "192.0.2.2"))
        for status in (*[401] * ATTEMPTS, 429):
            async with client.get("/videochat/overview", headers=WRONG | guesser) as response:
                assert response.status == status
        async with client.get("/videochat/overview", headers=WRONG | other) as response:
            assert response.status == 401

    async def test_addresses_that_are_made_up_give_no_more_guesses(self, client: aiohttp.ClientSession) -> None:
        for number in range(2 * ATTEMPTS):
            claimed = {"X-Forwarded-For": f"198.51.100.{number}, 192.0.2.1"}
            async with client.get("/videochat/overview", headers=WRONG | claimed) as response:
                assert response.status == (401 if number < ATTEMPTS else 429)

    async def test_many_addresses_make_it_forget_those_who_tried_longest_ago(
        self, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(attempts, "MOST_ADDRESSES", 3)
        guesser = {"X-Forwarded-For": "192.0.2.1"}
        for number in range(3 * ATTEMPTS):
            others = {"X-Forwarded-For": f"198.51.100.{number}"}
            await client.get("/videochat/overview", headers=WRONG | others)
            async with client.get("/videochat/overview", headers=WRONG | guesser) as response:
                assert response.status == (401 if number < ATTEMPTS else 429)


async def test_the_right_token_is_never_too_often(client: aiohttp.ClientSession) -> None:
    for _ in range(5 * ATTEMPTS):
        async with client.get("/videochat/overview", headers=OPERATOR) as response:
            assert response.status == 200


async def test_who_shows_a_token_is_logged_but_not_what_it_was(
    client: aiohttp.ClientSession, capsys: pytest.CaptureFixture[str]
) -> None:
    for headers in (WRONG, OPERATOR, OPERATOR):
        await client.get("/videochat/overview", headers=headers)
    written = capsys.readouterr().out
    assert "operator_token_wrong" in written
    assert written.count("token_right") == 1
    assert "a token of" not in written
