"""`/metrics` as Prometheus and strangers see it."""

import contextlib
import re
from collections.abc import AsyncIterator
from time import thread_time

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aiohttp.typedefs import Handler
from prometheus_client.parser import text_string_to_metric_families

from relay.app import Relay
from relay.config.settings import Settings
from relay.errors import RelayError
from relay.ids import PeerId
from relay.observe.journal import Journal
from relay.observe.tally import Tally
from relay.session.session import Session
from relay.web.metrics import measure
from relay.web.status import Status
from tests.kit.offers import ROLES, negotiated, offer
from tests.kit.payers import HOME, payer
from tests.kit.people import introduce, until, visit
from tests.kit.servers import on_loopback

TOKEN = "a token of the operator"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
READER_TOKEN = "a token of Prometheus"
READER = {"Authorization": f"Bearer {READER_TOKEN}"}


@pytest.fixture
def settings() -> Settings:
    return on_loopback(operator_token=TOKEN, metrics_token=READER_TOKEN)


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    """Prometheus."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}", headers=READER) as session:
        yield session


@pytest.fixture
async def stranger(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}") as session:
        yield session


async def scrape(client: aiohttp.ClientSession) -> dict[str, float]:
    """Each sample by its name and labels."""
    async with client.get("/metrics") as response:
        assert response.status == 200
        text = await response.text()
    return {
        sample.name + "".join(f"[{value}]" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_what_people_do_is_counted(relay: Relay, client: aiohttp.ClientSession) -> None:
    async with (
        visit(relay.port) as ann,
        visit(relay.port) as bob,
        visit(relay.port) as eve,
    ):
        await introduce(ann, bob)
        await eve.say("find_partner")
        await eve.hear("waiting_for_partner")
        during = await scrape(client)
        await ann.say("leave_room")
        await bob.hear("partner_disconnected")
        await eve.socket.send_str("rubbish")
        await until(lambda: relay.tally.refusals.total() == 1)
        after = await scrape(client)
    assert [during[f"relay_people[{state}]"] for state in ("idle", "waiting", "talking")] == [0, 1, 2]
    assert (during["relay_rooms"], during["relay_matches_total"]) == (1, 1)
    assert during["relay_sessions_opened_total"] == 3
    assert during["relay_wait_seconds_count"] == 2
    assert during["relay_messages_received_total[find_partner]"] == 3
    assert after["relay_rooms_ended_total[left]"] == 1
    assert after["relay_call_seconds_count"] == 1
    assert after["relay_messages_received_total[unreadable]"] == 1
    assert after["relay_errors_total[invalid_message]"] == 1
    await until(lambda: relay.tally.departures.total() == 3)
    assert (await scrape(client))["relay_sessions_closed_total[left]"] == 3


async def test_answers_are_timed_by_route_and_strangers_choose_no_label(
    client: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    await stranger.get("/videochat/health")
    await client.request("PROPFIND", "/a/path/somebody/made/up")
    async with client.get("/metrics") as response:
        text = await response.text()
    assert 'relay_http_request_seconds_count{method="GET",route="/videochat/health",status="200"} 1.0' in text
    assert 'relay_http_request_seconds_count{method="unmatched",route="unmatched",status="404"} 1.0' in text
    assert "made" not in text
    assert "PROPFIND" not in text


async def test_a_mistake_of_ours_is_counted_with_its_status(
    relay: Relay, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("what the server's authors did not think of")

    monkeypatch.setattr(Status, "stats", broken)
    async with client.get("/videochat/stats") as response:
        assert response.status == 500
    assert (await scrape(client))["relay_http_request_seconds_count[GET][/videochat/stats][500]"] == 1


async def _gone(request: web.Request) -> web.Response:
    raise ConnectionResetError


async def _refused(request: web.Request) -> web.Response:
    raise web.HTTPMethodNotAllowed("PUT", ["GET"])


async def _upgraded(request: web.Request) -> web.Response:
    return web.Response(status=101)


@pytest.mark.parametrize(("handler", "statuses"), [(_gone, [500]), (_refused, [405]), (_upgraded, [])])
async def test_what_was_not_answered_is_counted_as_our_failure_and_a_visit_not_at_all(
    handler: Handler, statuses: list[int]
) -> None:
    tally = Tally()
    with contextlib.suppress(ConnectionResetError, web.HTTPException):
        await measure(Journal(tally))(make_mocked_request("GET", "/"), handler)
    assert [status for _, _, status in tally.requests] == statuses


async def test_what_an_offer_has_that_is_of_no_use_is_counted(relay: Relay, client: aiohttp.ClientSession) -> None:
    video = re.sub(r"(VP8|H264|VP9|AV1)/90000", "H266/90000", offer())
    rotten = video.replace("a=rtcp-mux", "a=rtcp-mux\na=candidate:rotten", 1)
    async with visit(relay.port) as ann:
        await ann.say("webrtc_offer", sdp=rotten, lines=ROLES)
        await ann.hear("webrtc_answer")
        figures = await scrape(client)
    assert figures["relay_offer_lines_ignored_total[candidate][malformed]"] == 1
    assert figures["relay_offer_lines_ignored_total[codec][unknown]"] > 0
    assert figures["relay_offer_lines_ignored_total[ssrc][unusable]"] == 0
    assert figures["relay_offer_sections_refused_total[camera]"] == 1
    assert figures["relay_offer_sections_refused_total[microphone]"] == 0


async def test_figures_that_never_moved_are_there_from_the_start(relay: Relay, client: aiohttp.ClientSession) -> None:
    figures = await scrape(client)
    for name in (
        "relay_errors_total[server_full]",
        "relay_setups_failed_total[none][no_check]",
        "relay_connections_lost_total[consent_expired]",
        "relay_drops_total[srtp_rejected]",
        "relay_task_failures_total",
    ):
        assert figures[name] == 0
    assert figures["relay_ready"] == 1
    assert figures["relay_people_capacity"] == relay.settings.capacity.max_people
    assert figures["process_resident_memory_bytes"] > 0
    assert figures["relay_thread_cpu_seconds_total[loop]"] > 0


async def test_the_page_names_nobody(relay: Relay, client: aiohttp.ClientSession) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob)
        async with client.get("/metrics") as response:
            text = await response.text()
    assert found["room_id"] not in text
    assert "127.0.0.1" not in text
    assert "127.0.0" not in text


def cost(relay: Relay) -> float:
    """CPU seconds of a scrape, with nothing else in the way."""
    spent = []
    for _ in range(20):
        began = thread_time()
        relay.metrics.render()
        spent.append(thread_time() - began)
    return min(spent)


class Nobody:
    """A connection that nobody is at."""

    def take_over(self, session: Session) -> None:
        raise AssertionError("nobody comes back")

    def end(self, code: int, reason: str) -> None:
        raise AssertionError("nobody is sent away")

    def turn_away(self, error: RelayError) -> None:
        raise AssertionError(f"there is a place for everybody: {error}")

    def abandon(self) -> None:
        raise AssertionError("nobody is silent")


@pytest.mark.alone
class TestManyPeople:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback(max_people=1_000, metrics_token=READER_TOKEN)

    async def test_a_thousand_peoples_figures_cost_little(self, relay: Relay, client: aiohttp.ClientSession) -> None:
        """People are visitors and peers in the books only: what a scrape reads is the same."""
        nobody = cost(relay)
        for number in range(1_000):
            relay._sessions.open(Nobody(), payer(f"198.51.{100 + number // 250}.{number % 250}"))
            relay.engine.open(PeerId(10_000 + number), negotiated(relay.engine), HOME)
        everybody = cost(relay)
        print(f"a scrape of 1,000 people: {1_000 * everybody:.1f} ms, of nobody {1_000 * nobody:.1f}")
        assert (await scrape(client))["relay_people[idle]"] == 1_000
        assert relay.engine.stats().peers == 1_000
        assert everybody < 8 * nobody


async def test_this_host_is_no_exception_as_a_proxy_on_it_asks_for_everybody(stranger: aiohttp.ClientSession) -> None:
    async with stranger.get("/metrics") as response:
        assert response.status == 401
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("headers", [READER, OPERATOR, {"Authorization": f"bearer {READER_TOKEN}"}])
async def test_who_has_a_token_may_read(stranger: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    async with stranger.get("/metrics", headers=headers) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/videochat/rooms"),
        ("GET", "/videochat/overview"),
        ("POST", "/videochat/cleanup"),
        ("GET", "/videochat/health"),
    ],
)
async def test_the_token_for_metrics_opens_nothing_else(
    stranger: aiohttp.ClientSession, method: str, path: str
) -> None:
    async with stranger.request(method, path, headers=READER) as response:
        assert response.status == 401


class TestWithoutATokenForMetrics:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback(operator_token=TOKEN)

    async def test_the_operators_opens_them(self, stranger: aiohttp.ClientSession) -> None:
        for headers, status in ((READER, 401), (OPERATOR, 200)):
            async with stranger.get("/metrics", headers=headers) as response:
                assert response.status == status


class TestWithoutAnyToken:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback()

    async def test_they_are_closed_and_say_how_to_open_them(self, stranger: aiohttp.ClientSession) -> None:
        async with stranger.get("/metrics") as response:
            assert response.status == 403
            assert "RELAY_METRICS_TOKEN" in (await response.json())["message"]


class TestAllowed:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback(metrics_allow=("10.0.0.0/8", "127.0.0.0/24"))

    async def test_a_configured_network_may_read(self, stranger: aiohttp.ClientSession) -> None:
        async with stranger.get("/metrics") as response:
            assert response.status == 200

    @pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
    async def test_who_speaks_for_somebody_else_is_not_of_it(
        self, stranger: aiohttp.ClientSession, header: str
    ) -> None:
        async with stranger.get("/metrics", headers={header: "127.0.0.1"}) as response:
            assert response.status == 403

    async def test_a_page_that_has_its_name_lead_here_may_not(self, stranger: aiohttp.ClientSession) -> None:
        async with stranger.get("/metrics", headers={"Host": "rebound.attacker.example"}) as response:
            assert response.status == 421


class TestAllowedBehindAProxy:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback(metrics_allow=("192.0.2.7",), trusted_proxies=("127.0.0.1",))

    async def test_who_the_proxy_names_may_read(self, stranger: aiohttp.ClientSession) -> None:
        for named, status in (("192.0.2.7", 200), ("192.0.2.7, 192.0.2.8", 403), ("192.0.2.8, 192.0.2.7", 200)):
            async with stranger.get("/metrics", headers={"X-Forwarded-For": named}) as response:
                assert response.status == status
