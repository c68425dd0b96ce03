"""The page in a folder of a site: what a proxy leaves of the folder's name is taken off, and nothing else is."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urljoin

import aiohttp
import pytest

from relay.app import Relay
from relay.config.rules import OWN_NAMES
from relay.config.settings import Settings
from tests.kit.servers import on_loopback

TOKEN = "a token of the operator"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
ORIGIN = "https://friend.example"


def settings_of(base_path: str) -> Settings:
    return on_loopback(
        operator_token=TOKEN,
        allowed_origins=(ORIGIN,),
        base_path=base_path,
    )


@pytest.fixture(params=["/chat/", "/chat", "/a/deep.er/folder/"])
def settings(request: pytest.FixtureRequest) -> Settings:
    return settings_of(request.param)


@pytest.fixture
def base(settings: Settings) -> str:
    return settings.site.base_path.rstrip("/") + "/"


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}") as session:
        yield session


@pytest.mark.parametrize("page", ["", "check", "operator"])
@pytest.mark.parametrize("taken_off", [False, True])
async def test_a_page_and_everything_that_it_names_is_below_the_folder_and_at_the_root(
    client: aiohttp.ClientSession, base: str, page: str, *, taken_off: bool
) -> None:
    place = ("/" if taken_off else base) + page
    async with client.get(place) as response:
        assert response.status == 200
        named = re.findall(r'(?:src|href)="([^"]+)"', await response.text())
    assert len(named) >= 3
    for address in named:
        async with client.get(urljoin(place, address)) as response:
            assert response.status == 200, address
            is_page = "/assets/" not in urljoin(place, address)
            assert ("no-cache" if is_page else "immutable") in response.headers["Cache-Control"]


@pytest.mark.parametrize("taken_off", [False, True])
async def test_the_websocket_and_the_endpoints_are_too(
    client: aiohttp.ClientSession, base: str, *, taken_off: bool
) -> None:
    place = "/" if taken_off else base
    async with client.ws_connect(place + "ws") as visit:
        assert (await visit.receive_json())["event"] == "connected"
    for path in ("videochat/health", "videochat/health/live", "videochat/stats"):
        async with client.get(place + path, headers={"Origin": ORIGIN}) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    async with client.get(place + "videochat/overview?since=0", headers=OPERATOR) as response:
        assert response.status == 200
    async with client.post(place + "videochat/cleanup", headers=OPERATOR) as response:
        assert response.status == 200
    async with client.get(place + "metrics", headers=OPERATOR) as response:
        figures = await response.text()
    assert 'route="/videochat/overview"' in figures
    assert "folder" not in figures
    assert "chat/ws" not in figures


async def test_without_its_slash_the_folder_points_to_itself(client: aiohttp.ClientSession, base: str) -> None:
    async with client.get(base.rstrip("/")) as response:
        assert (response.status, str(response.url.path)) == (200, base)
        assert [each.status for each in response.history] == [308]


async def test_what_is_beside_the_folder_is_not_there(client: aiohttp.ClientSession, base: str) -> None:
    for path in (base + "nothing", base.rstrip("/") + "ter/", "/else" + base, base + "/"):
        async with client.get(path) as response:
            assert response.status == 404, path


async def test_no_folder_may_hide_what_is_at_the_root(relay: Relay, base: str) -> None:
    app = relay._web._runner.app
    served = {resource.canonical.split("/")[1] for resource in app.router.resources()}
    assert served - {"", base.split("/")[1]} == OWN_NAMES


class TestAtTheRoot:
    @pytest.fixture
    def settings(self) -> Settings:
        return settings_of("/")

    async def test_there_is_no_other_place(self, client: aiohttp.ClientSession) -> None:
        for path, status in (("/", 200), ("/videochat/health", 200), ("/chat/", 404)):
            async with client.get(path) as response:
                assert response.status == status, path
