"""Staff of a server under test: each a browser with cookies, and an authenticator in software."""

import json
from typing import Any

import aiohttp
from yarl import URL

from relay.app import Relay
from tests.kit.passkeys import Authenticator

TOKEN = "a token of the operator"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}


class Browser:
    """Asks as a page of ours would. `origin` may be another page's."""

    def __init__(self, relay: Relay) -> None:
        self.origin = f"http://localhost:{relay.port}"
        self.client = aiohttp.ClientSession(self.origin)
        self.device = Authenticator(self.origin)

    async def __aenter__(self) -> "Browser":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    @property
    def cookie(self) -> str | None:
        """What the server knows this browser by."""
        return next((cookie.value for cookie in self.client.cookie_jar if cookie.key == "relay-staff"), None)

    def put_cookie(self, value: str | None) -> None:
        """As somebody does who stole one, or put it there."""
        self.client.cookie_jar.update_cookies({"relay-staff": value or ""}, URL(self.origin))

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.client.get(path) as answer:
            return answer.status, await _content(answer)

    async def post(
        self, path: str, body: object = None, *, headers: dict[str, str] | None = None, data: bytes | None = None
    ) -> tuple[int, Any]:
        """As a page of ours does, unless `headers` say otherwise; one that is empty is not sent."""
        said = {"Origin": self.origin, "Content-Type": "application/json", **(headers or {})}
        sent = json.dumps({} if body is None else body).encode() if data is None else data
        kept = {name: value for name, value in said.items() if value}
        async with self.client.post(path, data=sent, headers=kept, skip_auto_headers=("Content-Type",)) as answer:
            return answer.status, await _content(answer)

    async def ask(self, path: str, body: object = None) -> Any:
        """The answer, which must be right."""
        status, content = await self.post(path, body)
        assert status in (200, 204), content
        return content

    async def enrol(self, link: str) -> Any:
        """Make a passkey, as somebody does who was sent a link."""
        asked = await self.ask("/videochat/staff/enrolment/begin", {"link": link})
        return await self.ask("/videochat/staff/enrolment", {"link": link, **self.made(asked["options"])})

    async def sign_in(self) -> Any:
        return await self.ask("/videochat/staff/sign-in", await self.signed("sign-in"))

    async def show_again(self) -> Any:
        return await self.ask("/videochat/staff/again", await self.signed("again"))

    async def signed(self, ceremony: str) -> dict[str, Any]:
        """What a passkey has signed of what the server asks."""
        asked = await self.ask(f"/videochat/staff/{ceremony}/begin")
        return {"credential": json.loads(self.device.get(json.dumps(asked).encode()))}

    def made(self, options: object) -> dict[str, Any]:
        """A new passkey."""
        return {"credential": json.loads(self.device.create(json.dumps(options).encode()))}


async def _content(answer: aiohttp.ClientResponse) -> Any:
    return await answer.json() if answer.content_type == "application/json" else await answer.text()


async def invited(relay: Relay, name: str, *roles: str) -> str:
    """The secret part of a link for somebody, whom the operator's token lets in."""
    return await invited_at(f"http://localhost:{relay.port}", name, *roles)


async def invited_at(url: str, name: str, *roles: str) -> str:
    """The same, at a server of which the address is known."""
    async with aiohttp.ClientSession(url) as client:
        asked = {"name": name, "roles": roles}
        async with client.post("/videochat/staff", json=asked, headers=OPERATOR) as answer:
            assert answer.status == 200, await answer.text()
            link: str = (await answer.json())["link"]
            return link


async def audited(relay: Relay) -> list[tuple[str, str, str]]:
    """Who did what to whom, the latest first."""
    async with (
        aiohttp.ClientSession(f"http://localhost:{relay.port}") as client,
        client.get("/videochat/audit", headers=OPERATOR) as answer,
    ):
        entries = (await answer.json())["entries"]
        return [(entry["who"], entry["what"], entry["subject"]) for entry in entries]
