"""Staff: how they come in, what each role may, what is noted of it, and how it ends."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from unittest.mock import patch

import pytest

from relay import clock
from relay.app import Relay
from relay.auth.signed_in import HOLDS
from relay.auth.staff import FRESH, IDLE, LINK_LASTS
from relay.config.settings import Settings
from tests.kit.people import introduce, visit
from tests.kit.servers import on_loopback, running
from tests.kit.staff import OPERATOR, TOKEN, Browser, audited, invited

HOURS = 8


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return on_loopback(
        database=f"sqlite:///{tmp_path / 'relay.db'}", state_dir=str(tmp_path), operator_token=TOKEN, consent="off"
    )


@pytest.fixture
async def browsers(relay: Relay) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def member(relay: Relay, stack: AsyncExitStack, name: str, *roles: str) -> Browser:
    """Somebody who has just come in."""
    browser = await stack.enter_async_context(Browser(relay))
    await browser.enrol(await invited(relay, name, *roles))
    return browser


class Later:
    """The clock, so many seconds ahead."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._unix = clock.unix

    def unix(self) -> float:
        return self._unix() + self.seconds


@pytest.fixture
def later() -> Iterator[Later]:
    ahead = Later()
    with patch.object(clock, "unix", ahead.unix):
        yield ahead


async def test_somebody_comes_in_by_a_link_and_signs_in_by_the_passkey_from_then_on(
    relay: Relay, browsers: AsyncExitStack
) -> None:
    ada = await browsers.enter_async_context(Browser(relay))
    me = await ada.enrol(await invited(relay, "Ada", "operator"))
    assert (me["name"], me["roles"], me["scopes"]) == ("Ada", ["operator"], ["moderate", "operate", "read_figures"])
    assert await ada.get("/videochat/staff/me") == (200, me)
    await ada.ask("/videochat/staff/sign-out")
    assert ada.cookie is None
    assert await ada.get("/videochat/staff/me") == (200, None)
    assert (await ada.sign_in())["name"] == "Ada"
    status, overview = await ada.get("/videochat/overview")
    assert (status, overview["ready"]) == (200, True)
    assert [(who, what) for who, what, _ in await audited(relay)][::-1] == [
        ("operator", "staff_added"),
        ("Ada", "passkey_added"),
        ("Ada", "signed_in"),
        ("Ada", "signed_out"),
        ("Ada", "signed_in"),
    ]


ENDPOINTS = {
    "moderate": [("GET", "/videochat/overview"), ("GET", "/videochat/rooms")],
    "operate": [("GET", "/videochat/analytics"), ("GET", "/videochat/staff"), ("POST", "/videochat/cleanup")],
    "audit": [("GET", "/videochat/audit")],
    "read_figures": [("GET", "/metrics")],
}


@pytest.mark.parametrize("role", ["moderator", "operator", "auditor"])
async def test_each_role_may_do_what_is_its_own_and_nothing_else(
    relay: Relay, browsers: AsyncExitStack, role: str
) -> None:
    somebody = await member(relay, browsers, "Kim", role)
    _, me = await somebody.get("/videochat/staff/me")
    for scope, endpoints in ENDPOINTS.items():
        for method, path in endpoints:
            status, content = await (somebody.get(path) if method == "GET" else somebody.post(path))
            if scope in me["scopes"]:
                assert status == 200, (role, path, content)
            else:
                assert (status, content["code"]) == (403, "not_allowed"), (role, path)


async def test_who_is_several_may_do_what_each_of_them_may(relay: Relay, browsers: AsyncExitStack) -> None:
    ada = await member(relay, browsers, "Ada", "auditor", "operator")
    _, me = await ada.get("/videochat/staff/me")
    assert (me["roles"], len(me["scopes"])) == (["operator", "auditor"], 4)


async def test_it_is_noted_who_ended_a_room(relay: Relay, browsers: AsyncExitStack) -> None:
    mod = await member(relay, browsers, "Mo", "moderator")
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob)
        await mod.ask(f"/videochat/rooms/{found['room_id']}/end")
    assert ("Mo", "room_ended", found["room_id"]) in await audited(relay)


async def test_what_is_grave_wants_somebody_who_has_just_shown_that_it_is_them(
    relay: Relay, browsers: AsyncExitStack, later: Later
) -> None:
    ada = await member(relay, browsers, "Ada", "operator")
    invitation = {"name": "Bob", "roles": ["moderator"]}
    await ada.ask("/videochat/staff", {"name": "Eve", "roles": ["moderator"]})
    later.seconds = FRESH + 1
    for path, body in (("/videochat/staff", invitation), ("/videochat/drain", {})):
        status, content = await ada.post(path, body)
        assert (status, content["code"]) == (403, "sign_in_again")
    assert (await ada.post("/videochat/cleanup"))[0] == 200
    before = ada.cookie
    await ada.show_again()
    assert ada.cookie != before
    await ada.ask("/videochat/staff", invitation)


async def test_who_has_shown_it_again_stays_no_longer_for_it(
    relay: Relay, browsers: AsyncExitStack, later: Later
) -> None:
    ada = await member(relay, browsers, "Ada", "operator")
    _, me = await ada.get("/videochat/staff/me")
    later.seconds = FRESH + 1
    assert (await ada.show_again())["ends"] == me["ends"]


async def test_nobody_stays_signed_in_for_longer_than_is_set(
    relay: Relay, browsers: AsyncExitStack, later: Later
) -> None:
    ada = await member(relay, browsers, "Ada", "operator")
    for later.seconds in range(0, HOURS * 3_600, IDLE - 60):
        assert (await ada.get("/videochat/overview"))[0] == 200
    later.seconds = HOURS * 3_600 + 1
    ada.put_cookie(ada.cookie)
    status, content = await ada.get("/videochat/overview")
    assert (status, content["code"]) == (401, "signed_out")


async def test_who_has_closed_the_console_is_signed_out(relay: Relay, browsers: AsyncExitStack, later: Later) -> None:
    ada = await member(relay, browsers, "Ada", "operator")
    await ada.get("/videochat/overview")
    later.seconds = IDLE + 1
    assert (await ada.get("/videochat/overview"))[0] == 401


async def test_a_link_is_open_for_half_an_hour(relay: Relay, browsers: AsyncExitStack, later: Later) -> None:
    link = await invited(relay, "Ada", "operator")
    later.seconds = LINK_LASTS + 1
    ada = await browsers.enter_async_context(Browser(relay))
    status, content = await ada.post("/videochat/staff/enrolment/begin", {"link": link})
    assert (status, content["code"]) == (410, "link_spent")


async def test_the_operator_lets_people_in_and_removes_them(relay: Relay, browsers: AsyncExitStack) -> None:
    ada = await member(relay, browsers, "Ada", "operator")
    bob = await browsers.enter_async_context(Browser(relay))
    opened = await ada.ask("/videochat/staff", {"name": "  Bob  M ", "roles": ["moderator"]})
    await bob.enrol(opened["link"])
    _, staff = await ada.get("/videochat/staff")
    assert [(each["name"], each["roles"], each["passkeys"], each["link_ends"]) for each in staff] == [
        ("Ada", ["operator"], 1, None),
        ("Bob M", ["moderator"], 1, None),
    ]
    status, content = await ada.post("/videochat/staff", {"name": "Bob M", "roles": ["moderator"]})
    assert (status, content["code"]) == (409, "name_taken")
    assert (await bob.get("/videochat/overview"))[0] == 200
    await ada.ask(f"/videochat/staff/{staff[1]['id']}/remove")
    assert (await bob.get("/videochat/overview"))[0] == 401
    status, content = await bob.post("/videochat/staff/sign-in", await bob.signed("sign-in"))
    assert (status, content["code"]) == (403, "passkey_refused")
    status, content = await ada.post(f"/videochat/staff/{staff[1]['id']}/remove")
    assert (status, content["code"]) == (404, "not_found")
    assert ("Ada", "staff_removed", "Bob M") in await audited(relay)


async def test_another_link_is_for_another_device(relay: Relay, browsers: AsyncExitStack) -> None:
    ada = await member(relay, browsers, "Ada", "operator")
    _, staff = await ada.get("/videochat/staff")
    opened = await ada.ask(f"/videochat/staff/{staff[0]['id']}/link")
    phone = await browsers.enter_async_context(Browser(relay))
    await phone.enrol(opened["link"])
    await ada.sign_in()
    assert (await ada.get("/videochat/staff"))[1][0]["passkeys"] == 2


async def test_signing_out_everywhere_ends_all_of_ones_own(
    relay: Relay, browsers: AsyncExitStack, later: Later
) -> None:
    ada = await member(relay, browsers, "Ada", "operator")
    mod = await member(relay, browsers, "Mo", "moderator")
    elsewhere = await browsers.enter_async_context(Browser(relay))
    elsewhere.device = ada.device
    await elsewhere.sign_in()
    await ada.ask("/videochat/staff/sign-out", {"everywhere": True})
    assert (await elsewhere.get("/videochat/overview"))[0] == 401
    assert (await mod.get("/videochat/overview"))[0] == 200


async def test_staff_whom_we_know_look_on_while_the_database_is_away(
    relay: Relay, browsers: AsyncExitStack, later: Later
) -> None:
    ada = await member(relay, browsers, "Ada", "operator")
    await ada.get("/videochat/overview")
    await relay._records.stop()
    later.seconds = HOLDS + 1
    assert (await ada.get("/videochat/overview"))[0] == 200
    status, content = await ada.post("/videochat/drain")
    assert (status, content["code"]) == (503, "store_unavailable")


async def test_without_a_database_there_is_no_staff(tmp_path: Path, browsers: AsyncExitStack) -> None:
    async with running(on_loopback(operator_token=TOKEN)) as relay, Browser(relay) as somebody:
        status, content = await somebody.post("/videochat/staff/sign-in", await somebody.signed("sign-in"))
        assert (status, content["code"]) == (404, "store_off")
        async with somebody.client.get("/videochat/overview", headers=OPERATOR) as answer:
            assert answer.status == 200
