"""Staff's way in, as strangers, pages elsewhere and staff themselves try to get past it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.app import Relay
from relay.auth.attempts import ATTEMPTS
from relay.config.settings import Settings
from tests.kit.passkeys import Authenticator
from tests.kit.servers import on_loopback
from tests.kit.staff import TOKEN, Browser, audited, invited

ELSEWHERE = {"Origin": "https://evil.example"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return on_loopback(
        database=f"sqlite:///{tmp_path / 'relay.db'}", state_dir=str(tmp_path), operator_token=TOKEN, consent="off"
    )


@pytest.fixture
async def ada(relay: Relay) -> AsyncIterator[Browser]:
    """An operator who is signed in."""
    async with Browser(relay) as browser:
        await browser.enrol(await invited(relay, "Ada", "operator"))
        yield browser


@pytest.fixture
async def stranger(relay: Relay) -> AsyncIterator[Browser]:
    async with Browser(relay) as browser:
        yield browser


async def test_no_role_raises_itself(relay: Relay, stranger: Browser) -> None:
    await stranger.enrol(await invited(relay, "Mo", "moderator"))
    for path, body in (
        ("/videochat/staff", {"name": "Eve", "roles": ["operator"]}),
        ("/videochat/staff/x/link", {}),
        ("/videochat/staff/x/remove", {}),
        ("/videochat/drain", {}),
        ("/videochat/cleanup", {}),
    ):
        status, content = await stranger.post(path, body)
        assert (status, content["code"]) == (403, "not_allowed"), path
    assert all(who != "Mo" or what in ("passkey_added", "signed_in") for who, what, _ in await audited(relay))


CHANGES = [
    "/videochat/drain",
    "/videochat/cleanup",
    "/videochat/rooms/x/end",
    "/videochat/staff",
    "/videochat/staff/x/link",
    "/videochat/staff/x/remove",
    "/videochat/staff/sign-out",
    "/videochat/staff/again/begin",
    "/videochat/staff/again",
]


@pytest.mark.parametrize("path", CHANGES)
async def test_a_page_elsewhere_has_nothing_done_in_the_name_of_who_is_signed_in(
    relay: Relay, ada: Browser, path: str
) -> None:
    before = await audited(relay)
    for headers in (ELSEWHERE, {"Origin": ""}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}):
        status, content = await ada.post(path, headers=headers)
        assert (status, content["code"]) == (403, "origin_refused"), headers
    for kind in ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        status, content = await ada.post(path, headers={"Content-Type": kind})
        assert (status, content["code"]) == (415, "unsupported_media_type"), kind
    assert await audited(relay) == before
    assert (await ada.get("/videochat/overview"))[0] == 200


@pytest.mark.parametrize("path", ["sign-in/begin", "sign-in", "enrolment/begin", "enrolment"])
async def test_a_page_elsewhere_signs_nobody_in(stranger: Browser, path: str) -> None:
    for headers in (ELSEWHERE, {"Origin": ""}, {"Sec-Fetch-Site": "cross-site"}):
        status, content = await stranger.post(f"/videochat/staff/{path}", headers=headers)
        assert (status, content["code"]) == (403, "origin_refused")


async def test_the_cookie_is_of_no_use_to_scripts_and_pages_elsewhere(relay: Relay, stranger: Browser) -> None:
    link = await invited(relay, "Ada", "operator")
    asked = await stranger.ask("/videochat/staff/enrolment/begin", {"link": link})
    body = json.dumps({"link": link, **stranger.made(asked["options"])})
    headers = {"Origin": stranger.origin, "Content-Type": "application/json"}
    async with stranger.client.post("/videochat/staff/enrolment", data=body, headers=headers) as answer:
        written = answer.headers["Set-Cookie"]
    assert all(part in written for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=")), written


async def test_an_answer_that_was_overheard_signs_nobody_in(ada: Browser, stranger: Browser) -> None:
    answer = await ada.signed("sign-in")
    await ada.ask("/videochat/staff/sign-in", answer)
    status, content = await stranger.post("/videochat/staff/sign-in", answer)
    assert (status, content["code"], stranger.cookie) == (403, "passkey_refused", None)


async def test_a_page_elsewhere_can_not_pass_on_what_it_had_signed(ada: Browser, stranger: Browser) -> None:
    for device in (
        Authenticator("https://evil.example", id=ada.device.id, key=ada.device.key),
        Authenticator(ada.origin, host="evil.example", id=ada.device.id, key=ada.device.key),
    ):
        stranger.device = device
        status, content = await stranger.post("/videochat/staff/sign-in", await stranger.signed("sign-in"))
        assert (status, content["code"]) == (403, "passkey_refused")


async def test_a_link_counts_once(relay: Relay, stranger: Browser) -> None:
    link = await invited(relay, "Ada", "operator")
    asked = await stranger.ask("/videochat/staff/enrolment/begin", {"link": link})
    async with Browser(relay) as ada:
        await ada.enrol(link)
    for path, body in (("begin", {}), ("", stranger.made(asked["options"]))):
        status, content = await stranger.post(f"/videochat/staff/enrolment/{path}".rstrip("/"), {"link": link, **body})
        assert (status, content["code"]) == (410, "link_spent")


async def test_another_link_closes_the_one_before(relay: Relay, ada: Browser, stranger: Browser) -> None:
    opened = await ada.ask("/videochat/staff", {"name": "Bob", "roles": ["moderator"]})
    _, staff = await ada.get("/videochat/staff")
    (bob,) = [each["id"] for each in staff if each["name"] == "Bob"]
    await ada.ask(f"/videochat/staff/{bob}/link")
    status, content = await stranger.post("/videochat/staff/enrolment/begin", {"link": opened["link"]})
    assert (status, content["code"]) == (410, "link_spent")


async def test_no_browser_is_signed_in_by_a_token_that_somebody_put_there(relay: Relay, ada: Browser) -> None:
    async with Browser(relay) as victim:
        victim.put_cookie("chosen by somebody else")
        victim.device = ada.device
        await victim.sign_in()
        assert victim.cookie != "chosen by somebody else"
        # Signing in again ends what was there before: nobody goes on with it elsewhere.
        before = victim.cookie
        await victim.sign_in()
    async with Browser(relay) as thief:
        thief.put_cookie(before)
        assert (await thief.get("/videochat/overview"))[0] == 401


@pytest.mark.parametrize("ends", ["sign-out", "again"])
async def test_a_stolen_token_is_worth_nothing_after(relay: Relay, ada: Browser, ends: str) -> None:
    stolen = ada.cookie
    async with Browser(relay) as thief:
        thief.put_cookie(stolen)
        assert (await thief.get("/videochat/overview"))[0] == 200
        await (ada.ask("/videochat/staff/sign-out") if ends == "sign-out" else ada.show_again())
        status, content = await thief.get("/videochat/overview")
        assert (status, content["code"]) == (401, "signed_out")


async def test_who_guesses_links_or_passkeys_is_made_to_wait(stranger: Browser) -> None:
    codes = []
    for number in range(ATTEMPTS // 2):
        codes.append((await stranger.post("/videochat/staff/enrolment/begin", {"link": f"guess {number}"}))[0])
        codes.append((await stranger.post("/videochat/staff/sign-in", await stranger.signed("sign-in")))[0])
    assert codes == [410, 403] * (ATTEMPTS // 2)
    status, content = await stranger.post("/videochat/staff/enrolment/begin", {"link": "one more"})
    assert (status, content["code"]) == (429, "rate_limited")


async def test_a_right_passkey_is_let_in_whatever_others_at_the_address_guessed(
    ada: Browser, stranger: Browser
) -> None:
    for number in range(2 * ATTEMPTS):
        await stranger.post("/videochat/staff/enrolment/begin", {"link": f"guess {number}"})
    assert (await ada.sign_in())["name"] == "Ada"


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b'{"credential": null}', b'{"credential": {}}', b'{"link": 7}', b"\xff"]
)
async def test_whatever_is_sent_is_refused_in_order(stranger: Browser, body: bytes) -> None:
    for path in ("sign-in", "enrolment/begin", "enrolment", "again", "sign-out"):
        status, _ = await stranger.post(f"/videochat/staff/{path}", data=body)
        assert 400 <= status < 429, path


async def test_what_is_too_long_is_not_read(stranger: Browser) -> None:
    status, content = await stranger.post("/videochat/staff/sign-in", data=b'{"credential":"' + b"x" * 50_000 + b'"}')
    assert (status, content["code"]) == (413, "message_too_large")


@pytest.mark.parametrize(
    "name", ["", " ", "x" * 65, "operator", "Operator 2", "command line: root", "a\u202eb", "a\x00"]
)
async def test_nobody_has_a_name_that_deceives(ada: Browser, name: str) -> None:
    status, content = await ada.post("/videochat/staff", {"name": name, "roles": ["moderator"]})
    assert (status, content["code"]) in ((400, "invalid_message"), (409, "name_taken"))


async def test_a_page_that_was_opened_by_an_address_is_told_why_it_has_no_passkeys(relay: Relay) -> None:
    async with Browser(relay) as somebody:
        status, content = await somebody.post(
            "/videochat/staff/sign-in/begin",
            headers={"Host": f"127.0.0.1:{relay.port}", "Origin": f"http://127.0.0.1:{relay.port}"},
        )
        assert (status, content["code"]) == (403, "passkey_refused")
        assert "host name" in content["message"]
