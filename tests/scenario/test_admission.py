"""A server that can't carry more says so to newcomers, and those inside notice nothing."""

import time

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from relay.app import Relay
from relay.config.settings import CapacitySettings, Settings
from relay.machine.capacity import Load
from tests.kit.people import Visitor, introduce, visit


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With the limits that a server has by itself."""
    return settings.but(max_cpu=CapacitySettings().max_cpu, max_lag=CapacitySettings().max_lag)


def burden(relay: Relay, **used: float) -> None:
    """Let the server measure this for a while."""
    packets, cpu, lag = (used.get(name, 0.0) for name in ("packets", "cpu", "lag"))
    load = Load(people=0, packets=packets, cpu=cpu, lag=lag, cache=int(used.get("cache", 0)))
    for _ in range(60):
        relay._capacity.take(load)


async def knock(relay: Relay) -> dict[str, object]:
    """The error that a newcomer gets."""
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"http://127.0.0.1:{relay.port}/ws") as socket,
    ):
        refusal: dict[str, dict[str, object]] = await socket.receive_json(timeout=5)
        return refusal["data"]


@pytest.mark.parametrize(
    "used", [{"cpu": 0.95}, {"packets": 1e9}, {"lag": 1.0}, {"cache": 2**50}], ids=lambda used: next(iter(used))
)
async def test_newcomers_are_refused_while_something_is_short(relay: Relay, used: dict[str, float]) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob)
        burden(relay, **used)
        began = time.monotonic()
        refusal = await knock(relay)
        assert time.monotonic() - began < 1
        assert refusal["code"] == "server_full"
        assert refusal["retry_after"]
        await ann.say("chat_message", id="1", text="we stay")
        await bob.hear("chat_message")
        burden(relay)
        async with visit(relay.port) as eve:
            await eve.say("find_partner")
            await eve.hear("waiting_for_partner")


async def test_who_lost_their_connection_gets_in_again(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob)
        burden(relay, cpu=1.0)
        bob.vanish()
        await ann.hear("partner_reconnecting")
        async with visit(relay.port) as again:
            await again.say("resume", token=bob.token)
            await again.hear("resumed")
            assert (await knock(relay))["code"] == "server_full"


async def test_who_is_let_in_as_one_who_came_back_and_is_new_is_turned_away(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob)
        burden(relay, cpu=1.0)
        bob.vanish()
        await ann.hear("partner_reconnecting")
        async with visit(relay.port) as eve, visit(relay.port) as patient:
            await eve.say("find_partner")
            refusal = await eve.hear("error")
            assert refusal["code"] == "server_full"
            assert refusal["retry_after"]
            assert await eve.hear_close() == 1013
            assert relay.stats().waiting == 0
            burden(relay)
            await patient.say("find_partner")
            await patient.hear("waiting_for_partner")


async def test_everybody_reads_one_figure(relay: Relay) -> None:
    burden(relay, cpu=0.5)
    used = relay._capacity.used
    assert relay.stats().capacity_used == round(used, 3)
    page = relay.metrics.render().decode()
    exposed = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    assert exposed["relay_capacity_used_ratio",] == exposed["relay_capacity_share_ratio", "cpu"] == pytest.approx(used)
    assert relay.figures().used == used


async def test_what_is_measured_is_there_after_a_moment(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    async with visit(relay.port) as visitor:
        assert isinstance(visitor, Visitor)
        people = 1 / relay.settings.capacity.max_people
        assert relay._capacity.shares()["people"] == people
        began = time.process_time()
        while time.process_time() - began < 0.2:  # CPU is what is measured
            pass
        relay._capacity._measure()
        assert relay._capacity.shares()["cpu"] > 0
