"""Next by mistake: both who were parted may come together again."""

from relay.app import Relay
from tests.kit.people import introduce, visit


async def test_two_who_both_wish_it_are_together_again(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        found, _ = await introduce(ann, bob)
        await ann.say("next_partner")
        assert (await bob.hear("partner_disconnected"))["reason"] == "next"
        for visitor in (ann, bob):
            await visitor.hear("waiting_for_partner")
        await ann.say("back", room_id=found["room_id"])
        assert await bob.hear("back_asked") == {"room_id": found["room_id"]}
        await bob.say("back", room_id=found["room_id"])
        again = await ann.hear("partner_found")
        assert again == await bob.hear("partner_found")
        assert again["room_id"] != found["room_id"]
        await ann.say("chat_message", id="1", text="sorry")
        assert (await bob.hear("chat_message"))["text"] == "sorry"


async def test_there_is_no_way_back_to_somebody_who_talks_again(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob, visit(port) as eve:
        found, _ = await introduce(ann, bob)
        await eve.say("find_partner")
        await eve.hear("waiting_for_partner")
        # Eve is met by Ann, who pressed Next and comes first; Bob waits.
        await ann.say("next_partner")
        await ann.hear("partner_found")
        await bob.hear("partner_disconnected")
        await bob.hear("waiting_for_partner")
        await bob.say("back", room_id=found["room_id"])
        refused = await bob.hear("error")
        assert (refused["code"], refused["refused"]) == ("out_of_turn", "back")
        await ann.say("back", room_id=found["room_id"])
        assert (await ann.hear("error"))["code"] == "out_of_turn"


async def test_who_left_by_stop_is_not_called_back(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        found, _ = await introduce(ann, bob)
        await ann.say("leave_room")
        await bob.hear("partner_disconnected")
        await bob.hear("waiting_for_partner")
        await bob.say("back", room_id=found["room_id"])
        assert (await bob.hear("error"))["code"] == "out_of_turn"
