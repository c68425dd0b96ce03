"""The protocol as two or three visitors see it, over real WebSockets."""

import asyncio

import pytest

from relay.app import Relay
from relay.matchmaking.lobby import REUNION_DELAY
from tests.kit.people import Visitor, introduce, until, visit

WAITS = {"reason": "next", "searching": True}


async def test_strangers_are_paired_and_chat(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        await introduce(ann, bob)
        await ann.say("chat_message", id="a1", text="hello <b>you</b>")
        assert await bob.hear("chat_message") == {"id": "a1", "text": "hello <b>you</b>"}
        assert await ann.hear("message_delivered") == {"id": "a1"}
        await bob.say("chat_message", id="b1", text="hello")
        assert await bob.hear("message_delivered") == {"id": "b1"}
        assert await ann.hear("chat_message") == {"id": "b1", "text": "hello"}


async def test_what_was_meant_for_the_last_partner_does_not_reach_the_next(relay: Relay) -> None:
    """It may be on its way while the relay puts somebody else there."""
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        found, _ = await introduce(ann, bob)
        await ann.say("chat_message", id="a1", text="dear Bob", room_id="of long ago")
        refusal = await ann.hear("error")
        assert (refusal["code"], refusal["refused"], refusal["id"]) == ("out_of_turn", "chat_message", "a1")
        await ann.say("chat_message", id="a1", text="dear Bob", room_id=found["room_id"])
        assert await bob.hear("chat_message") == {"id": "a1", "text": "dear Bob", "room_id": found["room_id"]}


async def test_partners_see_each_other_write_and_mute(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        await introduce(ann, bob)
        await ann.say("typing", active=True)
        assert await bob.hear("typing") == {"active": True}
        await bob.say("media_state", microphone=False, camera=True)
        assert await ann.hear("media_state") == {"microphone": False, "camera": True}


async def test_a_new_partner_learns_what_is_shared(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        await ann.say("media_state", microphone=True, camera=False)
        found_by_ann, found_by_bob = await introduce(ann, bob)
        assert (found_by_ann["microphone"], found_by_ann["camera"]) == (True, True)
        assert (found_by_bob["microphone"], found_by_bob["camera"]) == (True, False)


async def test_whose_partner_leaves_searches_on_by_themselves(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob, visit(port) as eve:
        await introduce(ann, bob)
        await bob.say("next_partner")
        assert await ann.hear("partner_disconnected") == WAITS
        await asyncio.gather(ann.hear("waiting_for_partner"), bob.hear("waiting_for_partner"))
        # Bob, who pressed Next, comes first.
        await eve.say("find_partner")
        await asyncio.gather(bob.hear("partner_found"), eve.hear("partner_found"))


async def test_who_does_not_wish_to_search_on_stays_idle(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob, visit(port) as eve:
        await ann.say("find_partner", keep_searching=False)
        await ann.hear("waiting_for_partner")
        await bob.say("find_partner")
        await asyncio.gather(ann.hear("partner_found"), bob.hear("partner_found"))
        await bob.say("leave_room")
        assert await ann.hear("partner_disconnected") == {"reason": "left", "searching": False}
        await eve.say("find_partner")
        await eve.hear("waiting_for_partner")
        await ann.say("next_partner")
        await asyncio.gather(ann.hear("partner_found"), eve.hear("partner_found"))


async def test_those_who_just_left_each_other_meet_again_when_nobody_else_comes(relay: Relay) -> None:
    port = relay.port
    loop = asyncio.get_running_loop()
    async with visit(port) as ann, visit(port) as bob:
        await introduce(ann, bob)
        await bob.say("next_partner")
        await ann.hear("partner_disconnected")
        await asyncio.gather(ann.hear("waiting_for_partner"), bob.hear("waiting_for_partner"))
        began = loop.time()
        await asyncio.gather(ann.hear("partner_found"), bob.hear("partner_found"))
        assert loop.time() - began >= REUNION_DELAY - 0.5


async def test_tabs_of_one_browser_are_not_paired_and_are_told_of_each_other(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as tab, visit(port) as other_tab, visit(port) as eve:
        for visitor in (tab, other_tab):
            await visitor.say("find_partner", browser="b1")
            assert await visitor.hear("waiting_for_partner") == {}
        for visitor in (tab, other_tab):
            assert await visitor.hear("waiting_for_partner") == {"own_tab": True}
        await eve.say("find_partner", browser="b2")
        await asyncio.gather(tab.hear("partner_found"), eve.hear("partner_found"))
        assert await other_tab.hear("waiting_for_partner") == {}
        # No matter from whom they part, they are still two tabs of one browser.
        await tab.say("next_partner")
        await eve.hear("partner_disconnected")
        await asyncio.gather(eve.hear("partner_found"), other_tab.hear("partner_found"))


async def test_who_searches_again_beside_an_own_tab_is_told_again(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as tab, visit(port) as other_tab:
        for visitor in (tab, other_tab):
            await visitor.say("find_partner", browser="b1")
            await visitor.hear("waiting_for_partner")
        assert await tab.hear("waiting_for_partner") == {"own_tab": True}
        await tab.say("leave_room")
        await tab.say("find_partner", browser="b1")
        assert await tab.hear("waiting_for_partner") == {}
        assert await tab.hear("waiting_for_partner") == {"own_tab": True}


@pytest.mark.parametrize("browser", ["", "b" * 37, "b 1", 1])
async def test_a_browser_of_another_shape_is_refused(relay: Relay, browser: object) -> None:
    async with visit(relay.port) as ann:
        await ann.say("find_partner", browser=browser)
        refusal = await ann.hear("error")
        assert (refusal["code"], refusal["refused"]) == ("invalid_message", "find_partner")


@pytest.mark.parametrize("mode", ["audio", "text"])
async def test_modes_never_mix(relay: Relay, mode: str) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob, visit(port) as eve:
        await ann.say("find_partner", mode=mode)
        await ann.hear("waiting_for_partner")
        await bob.say("find_partner", mode="video")
        await bob.hear("waiting_for_partner")
        await eve.say("find_partner", mode=mode)
        await asyncio.gather(ann.hear("partner_found"), eve.hear("partner_found"))


async def test_a_partner_who_closes_the_page_has_left(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        async with visit(relay.port) as bob:
            await introduce(ann, bob)
        assert await ann.hear("partner_disconnected") == {"reason": "left", "searching": True}
        await ann.hear("waiting_for_partner")


async def test_who_left_the_queue_is_not_paired(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        await ann.say("find_partner")
        await ann.hear("waiting_for_partner")
        await ann.say("leave_room")
        await bob.say("find_partner")
        await bob.hear("waiting_for_partner")
        await ann.say("find_partner")
        await asyncio.gather(ann.hear("partner_found"), bob.hear("partner_found"))


async def test_nothing_is_left_of_people_who_went(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob)
        assert (relay.stats().people, relay.stats().rooms) == (2, 1)
    await until(lambda: relay.stats().people == 0)
    assert (relay.stats().rooms, relay.stats().waiting) == (0, 0)


async def test_every_order_of_skips_leaves_everyone_in_one_place(relay: Relay) -> None:
    """Six people skip, stop and search at once: each is talking, waiting or idle, and rooms have two."""
    port = relay.port

    async def churn(visitor: Visitor, number: int) -> None:
        for step in range(12):
            await visitor.say(("find_partner", "next_partner", "next_partner", "leave_room")[(number + step) % 4])
            await asyncio.sleep(0)

    async with visit(port) as a, visit(port) as b, visit(port) as c, visit(port) as d, visit(port) as e:
        people = (a, b, c, d, e)
        await asyncio.gather(*(churn(person, number) for number, person in enumerate(people)))
        for person in people:
            await person.say("leave_room")
            # Whatever came before, this answer comes after the leaving was done.
            await person.say("chat_message", id="end", text="x")
            async with asyncio.timeout(5):
                while '"id":"end"' not in await person.socket.receive_str():
                    pass
        stats = relay.stats()
        assert (stats.people, stats.rooms, stats.waiting) == (5, 0, 0)
