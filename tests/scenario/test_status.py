"""`/videochat/` as operators, monitors and strangers see it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from relay import clock
from relay.app import Relay
from relay.config.settings import Settings
from tests.kit.people import introduce, visit
from tests.kit.servers import on_loopback

TOKEN = "a token of the operator"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
FRIEND = "https://console.example"


@pytest.fixture
def settings() -> Settings:
    return on_loopback(
        operator_token=TOKEN,
        allowed_origins=(FRIEND,),
    )


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}") as session:
        yield session


async def test_a_running_server_is_alive_and_ready(client: aiohttp.ClientSession) -> None:
    async with client.get("/videochat/health") as response:
        assert response.status == 200
        assert (await response.json())["ready"] is True
    async with client.get("/videochat/health/live") as response:
        assert response.status == 200


async def test_stats_count_people_and_name_nobody(relay: Relay, client: aiohttp.ClientSession) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob)
        async with client.get("/videochat/stats") as response:
            text = await response.text()
            stats = await response.json()
    assert (stats["people"], stats["rooms"], stats["matches"], stats["waits"]) == (2, 1, 1, 1)
    assert stats["waited_seconds"] >= 0
    assert found["room_id"] not in text


async def test_how_long_a_room_lasts_is_told_to_a_tenth_of_a_second(
    relay: Relay, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob)
        (room,) = relay._rooms.rooms()
        now = clock.monotonic()
        monkeypatch.setattr(room, "opened_at", now - 61.26)
        monkeypatch.setattr(clock, "monotonic", lambda: now)
        async with client.get("/videochat/rooms", headers=OPERATOR) as response:
            (told,) = await response.json()
        async with client.get("/videochat/overview", headers=OPERATOR) as response:
            (shown,) = (await response.json())["rooms"]
    assert (told["seconds"], shown["seconds"]) == (61.3, 61.3)


async def test_rooms_are_for_the_operator(relay: Relay, client: aiohttp.ClientSession) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob)
        async with client.get("/videochat/rooms", headers=OPERATOR) as response:
            (room,) = await response.json()
    assert room["room_id"] == found["room_id"]
    assert room["mode"] == "video"
    assert len(room["members"]) == 2


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
@pytest.mark.parametrize(("method", "path"), [("GET", "/videochat/rooms"), ("POST", "/videochat/cleanup")])
async def test_without_the_token_nothing_is_told(
    client: aiohttp.ClientSession, method: str, path: str, headers: dict[str, str]
) -> None:
    async with client.request(method, path, headers=headers) as response:
        assert response.status == 401
        assert (await response.json())["code"] == "operator_token_wrong"


async def test_a_clean_server_has_nothing_to_clean_up(relay: Relay, client: aiohttp.ClientSession) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob)
        async with client.post("/videochat/cleanup", headers=OPERATOR) as response:
            assert await response.json() == {"people": 0}
        await ann.say("chat_message", id="1", text="still here")
        await bob.hear("chat_message")


async def test_only_configured_origins_may_read(client: aiohttp.ClientSession) -> None:
    async with client.get("/videochat/stats", headers={"Origin": FRIEND}) as response:
        assert response.headers["Access-Control-Allow-Origin"] == FRIEND
    async with client.options("/videochat/rooms", headers={"Origin": FRIEND}) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Headers"] == "Authorization"
    async with client.get("/videochat/stats", headers={"Origin": "https://evil.example"}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_the_page_is_kept_to_itself(client: aiohttp.ClientSession) -> None:
    async with client.get("/videochat/health") as response:
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/nothing", "/assets/../../config.py", "/assets/%2e%2e/%2e%2e/config.py", "/videochat"]
)
async def test_what_is_not_there_is_not_found(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as response:
        assert response.status == 404
        assert (await response.json())["code"] == "not_found"


class TestWithoutAToken:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback()

    async def test_the_operators_endpoints_are_closed_and_say_how_to_open_them(
        self, client: aiohttp.ClientSession
    ) -> None:
        async with client.get("/videochat/rooms", headers=OPERATOR) as response:
            assert response.status == 403
            refusal = await response.json()
        assert refusal["code"] == "operator_only"
        assert "RELAY_OPERATOR_TOKEN" in refusal["message"]
