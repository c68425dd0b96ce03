"""People agree to the rules before they meet somebody, and are known by their own browser alone."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from relay.app import Relay
from relay.auth import safekeeping
from relay.auth.keys import FILE, Keys
from relay.auth.visitor import COOKIE, LASTS, Visitor, from_cookie, to_cookie
from relay.config.settings import Settings, TlsChoice
from relay.errors import ConfigurationError
from relay.store.analytics import Step
from tests.kit.agreeing import CONSENT, answer, browser, come, cookie, question, take
from tests.kit.people import PATIENCE, introduce, until
from tests.kit.servers import on_loopback, running

DAY = 86_400


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return asking(tmp_path)


def asking(folder: Path, **more: object) -> Settings:
    """A server that asks, and keeps its keys there."""
    return on_loopback(consent="required", state_dir=str(folder / "state"), **more)


def keys_of(relay: Relay) -> Keys:
    return relay._safekeeping.keys


def today() -> int:
    return safekeeping.today().toordinal() - 719_163


def seen(client: aiohttp.ClientSession, relay: Relay) -> Visitor:
    """Who the browser's cookie says that it is."""
    kept = cookie(client)
    assert kept is not None
    visitor = from_cookie(kept.value, keys_of(relay), today())
    assert visitor is not None
    return visitor


@pytest.mark.parametrize(
    ("event", "data"), [("find_partner", {"mode": "text"}), ("next_partner", {}), ("back", {"room_id": "room"})]
)
async def test_who_has_not_agreed_meets_nobody_and_stays(relay: Relay, event: str, data: dict[str, str]) -> None:
    async with browser(relay.port) as client, come(client) as ann:
        await ann.say(event, **data)
        error = await ann.hear("error")
        assert (error["code"], error["refused"]) == ("consent_needed", event)
        await ann.say("ping")
        await ann.hear("pong")
        assert relay.figures().waiting == 0
        assert cookie(client) is None


async def test_who_agreed_meets_others_and_is_not_asked_again(relay: Relay) -> None:
    async with browser(relay.port) as first, browser(relay.port) as second:
        for client in (first, second):
            asked = await question(client)
            assert (asked["is_needed"], asked["minimum_age"]) == (True, 18)
            assert "<strong>Only adults.</strong>" in asked["rules_html"]
            assert await answer(client) == (204, None)
            assert not (await question(client))["is_needed"]
        async with come(first) as ann, come(second) as bob:
            await introduce(ann, bob, "text")


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(relay: Relay) -> None:
    async with browser(relay.port) as client:
        await question(client)
        assert cookie(client) is None, "it is not set before somebody agrees"
        await answer(client)
        kept = cookie(client)
        assert kept is not None
        assert (kept["httponly"], kept["samesite"], kept["path"]) == (True, "Strict", "/")
        assert int(kept["max-age"]) == LASTS * DAY
        visitor = seen(client, relay)
        assert (visitor.rules, visitor.age, visitor.day) == ("relay-1", 18, today())


async def test_over_https_it_is_bound_to_the_host(tmp_path: Path) -> None:
    async with running(asking(tmp_path, tls=TlsChoice.SELF_SIGNED)) as relay, aiohttp.ClientSession() as client:
        context = ssl.create_default_context(cafile=str(tmp_path / "state/self-signed.pem"))
        url = f"https://localhost:{relay.port}"
        said = {"rules": "relay-1", "is_of_age": True}
        async with client.post(url + CONSENT, json=said, ssl=context, headers={"Origin": url}) as response:
            assert response.status == 204
            written = response.headers["Set-Cookie"]
        assert written.startswith(f"__Host-{COOKIE}=")
        assert "; Secure" in written
        async with client.get(url + CONSENT, ssl=context) as response:
            assert not (await response.json())["is_needed"]


async def test_who_clears_it_is_somebody_else(relay: Relay) -> None:
    async with browser(relay.port) as client:
        await answer(client)
        first = seen(client, relay)
        async with client.delete(CONSENT) as response:
            assert response.status == 204
        assert cookie(client) is None
        assert (await question(client))["is_needed"]
        await answer(client)
        assert seen(client, relay).id != first.id


async def test_the_server_writes_nothing_of_who_agreed(tmp_path: Path) -> None:
    settings = asking(tmp_path, database=None)
    async with running(settings) as relay, browser(relay.port) as client:
        await answer(client)
        written = cookie(client)
        assert written is not None
        visitor = seen(client, relay)
        async with come(client):
            pass
    name = written.value.partition(":")[0].encode()
    files = [file for file in (tmp_path / "state").rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {FILE, "relay.db"}
    for file in files:
        content = file.read_bytes()
        assert name not in content
        assert visitor.id not in content
        assert visitor.id.hex().encode() not in content


async def test_it_lasts_from_the_latest_visit_on_and_who_comes_back_is_counted_once_a_day(tmp_path: Path) -> None:
    settings = asking(tmp_path, database=None, operator_token="0123456789abcdef")
    async with running(settings) as relay, browser(relay.port) as client:
        await answer(client)
        visitor = Visitor(seen(client, relay).id, "relay-1", 18, today() - 9)
        take(client, to_cookie(visitor, keys_of(relay)))
        for _ in range(3):
            async with come(client) as ann:
                await ann.say("find_partner", mode="text")
                await ann.hear("waiting_for_partner")
            assert (seen(client, relay).id, seen(client, relay).day) == (visitor.id, today())
        text = relay.metrics.render().decode()
        assert 'relay_visitors_total{kind="new"} 1.0' in text
        assert 'relay_visitors_total{kind="returned"} 1.0' in text
        relay._records._chronicle.sum_up()
        async with asyncio.timeout(PATIENCE):
            while (total := (await relay._records.analytics(1, Step.HOUR)).total).returned_visitors == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (total.new_visitors, total.returned_visitors, total.retention) == (1, 1, 0.5)


async def test_after_a_restart_nobody_is_asked_again(tmp_path: Path) -> None:
    settings = asking(tmp_path)
    async with browser(settings.network.port) as client:
        async with running(settings):
            await answer(client)
        async with running(settings):
            assert not (await question(client))["is_needed"]


async def test_servers_with_the_same_keys_know_each_others_visitors(tmp_path: Path) -> None:
    async with running(asking(tmp_path)) as one, browser(one.port) as client:
        await answer(client)
        written = cookie(client)
    assert written is not None
    shared = on_loopback(consent="required", keys_file=str(tmp_path / "state" / FILE))
    async with running(shared) as other, browser(other.port) as client:
        take(client, written.value)
        assert not (await question(client))["is_needed"]
    async with running(asking(tmp_path / "another")) as stranger, browser(stranger.port) as client:
        take(client, written.value)
        assert (await question(client))["is_needed"]


async def test_new_rules_are_asked_about_and_the_visitor_stays_the_same(tmp_path: Path) -> None:
    rules = tmp_path / "rules.md"
    rules.write_text("version: 1\n\nBe kind.")
    settings = asking(tmp_path, rules_file=str(rules))
    async with browser(settings.network.port) as client:
        async with running(settings) as relay:
            await answer(client)
            before = seen(client, relay)
            take(client, to_cookie(Visitor(before.id, before.rules, before.age, today() - 1), keys_of(relay)))
        rules.write_text("version: 2\n\nBe kinder.")
        async with running(settings) as relay:
            assert (await question(client))["is_needed"]
            async with come(client) as ann:
                await ann.say("find_partner", mode="text")
                assert (await ann.hear("error"))["code"] == "consent_needed"
            assert await answer(client, rules="1") == (409, "consent_outdated")
            assert await answer(client) == (204, None)
            assert (seen(client, relay).id, seen(client, relay).rules) == (before.id, "2")
            async with come(client) as ann:
                await ann.say("find_partner", mode="text")
                await ann.hear("waiting_for_partner")
            assert relay.tally.visitors == {"returned": 1}


async def test_a_higher_age_is_asked_about(tmp_path: Path) -> None:
    young, old = asking(tmp_path, minimum_age=16), asking(tmp_path, minimum_age=18)
    async with running(young) as relay, browser(relay.port) as client:
        await answer(client)
        written = cookie(client)
    assert written is not None
    async with running(old) as relay, browser(relay.port) as client:
        take(client, written.value)
        assert (await question(client))["is_needed"]
        assert await answer(client, is_of_age=False) == (403, "consent_needed")
        assert await answer(client) == (204, None)


async def test_where_no_age_is_asked_nobody_has_to_tell_it(tmp_path: Path) -> None:
    async with running(asking(tmp_path, minimum_age=0)) as relay, browser(relay.port) as client:
        assert await answer(client, is_of_age=False) == (204, None)
        assert seen(client, relay).age == 0


async def test_where_nobody_is_asked_there_is_no_cookie_and_no_file(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with running(on_loopback(consent="off", state_dir=str(state))) as relay, browser(relay.port) as client:
        assert not (await question(client))["is_needed"]
        assert await answer(client) == (404, "not_found")
        async with come(client) as ann:
            await ann.say("find_partner", mode="text")
            await ann.hear("waiting_for_partner")
        assert cookie(client) is None
    assert not state.exists()


async def test_pages_are_told_who_runs_the_place_and_what_is_kept(tmp_path: Path) -> None:
    about = {
        "site_name": "Chat & Co",
        "site_contact": "help@example.org",
        "site_imprint": "https://example.org/imprint",
        "site_links": ("Help us https://example.org/help",),
    }
    turn = {"turn_urls": ("turns:turn.example.org:443?transport=tcp",), "turn_secret": "12345678"}
    settings = asking(tmp_path, database=None, keep_visits=7, **about, **turn)
    async with running(settings) as relay, browser(relay.port) as client:
        site = (await question(client))["site"]
        assert site == {
            "name": "Chat & Co",
            "contact": "help@example.org",
            "imprint": "https://example.org/imprint",
            "links": [{"title": "Help us", "url": "https://example.org/help"}],
        }
        async with client.get("/videochat/privacy") as response:
            assert await response.json() == {
                "site": site,
                "consent": True,
                "cookie_days": LASTS,
                "visits_days": 7,
                "sums_days": 730,
                "chats_days": None,
                "accounts": False,
                "turn": ["turn.example.org"],
            }


async def test_who_comes_back_after_a_loss_goes_on_as_they_had_agreed(relay: Relay) -> None:
    async with browser(relay.port) as first, browser(relay.port) as second:
        await answer(first)
        await answer(second)
        async with come(first) as ann, come(second) as bob:
            await introduce(ann, bob, "text")
            ann.vanish()
            await bob.hear("partner_reconnecting")
            async with come(first) as again:
                await again.say("resume", token=ann.token)
                await again.hear("resumed")
                await again.say("next_partner")
                await again.hear("waiting_for_partner")


@pytest.mark.parametrize("content", ["", "{", '{"signing": []}'])
async def test_a_server_whose_keys_are_not_whole_does_not_start(tmp_path: Path, content: str) -> None:
    file = tmp_path / "state" / FILE
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(ConfigurationError, match="not whole"):
        Relay(asking(tmp_path))
    assert file.read_text() == content


async def test_people_meet_where_keys_can_not_be_kept_and_are_known_as_soon_as_they_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safekeeping, "LOOK_INTERVAL", 0.02)
    told: list[str] = []
    monkeypatch.setattr(safekeeping.log, "warning", lambda event, **more: told.append(event))
    state = tmp_path / "state"
    state.touch()
    settings = asking(tmp_path)
    async with browser(settings.network.port) as client:
        async with running(settings):
            assert "keys_not_kept" in told
            assert await answer(client) == (204, None)
            state.unlink()
            await until(lambda: (state / FILE).exists())
        async with running(settings):
            assert not (await question(client))["is_needed"]


async def test_consent_comes_as_json_and_not_as_a_form_of_another_page(relay: Relay) -> None:
    async with browser(relay.port) as client, client.post(CONSENT, data={"rules": "relay-1"}) as response:
        assert (response.status, (await response.json())["code"]) == (415, "unsupported_media_type")
        assert cookie(client) is None
