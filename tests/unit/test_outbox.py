import msgspec
import pytest

from relay.ids import RoomId, SessionToken, UserId
from relay.protocol.messages import (
    ChatMessage,
    IceServers,
    MediaState,
    PartnerFound,
    Ping,
    Pong,
    Resumed,
    ServerMessage,
    Typing,
    WaitingForPartner,
)
from relay.session.outbox import CAPACITY, Outbox

GREETING = Resumed(
    user_id=UserId("u"),
    session_token=SessionToken("t"),
    ice_servers=(),
    searching=False,
    room_id=RoomId("next"),
    microphone=True,
    camera=True,
)


async def contents(outbox: Outbox) -> list[tuple[str, object]]:
    """Event and data of everything that waits."""
    read = []
    while len(outbox):
        message = msgspec.json.decode(await outbox.get())
        read.append((message["event"], message["data"]))
    return read


def chat(number: int) -> ChatMessage:
    return ChatMessage(id=str(number), text="x")


async def test_messages_leave_in_the_order_in_which_they_came() -> None:
    outbox = Outbox()
    for number in range(3):
        outbox.put(chat(number))
    assert [data["id"] for _, data in await contents(outbox)] == ["0", "1", "2"]  # type: ignore[index]


async def test_a_newer_state_replaces_one_that_still_waits() -> None:
    outbox = Outbox()
    outbox.put(Typing(active=True))
    outbox.put(MediaState(microphone=True, camera=True))
    outbox.put(chat(1))
    outbox.put(MediaState(microphone=False, camera=True))
    outbox.put(Typing(active=False))
    assert [event for event, _ in await contents(outbox)] == ["chat_message", "media_state", "typing"]


@pytest.mark.parametrize("state", [Ping(), Pong(), IceServers(ice_servers=())], ids=lambda state: state.event)
async def test_a_reader_who_does_not_read_is_asked_once(state: ServerMessage) -> None:
    outbox = Outbox()
    for _ in range(CAPACITY + 1):
        outbox.put(state)
    assert [event for event, _ in await contents(outbox)] == [state.event]


async def test_who_had_read_nothing_is_sent_everything_again() -> None:
    outbox = Outbox()
    for number in range(2):
        outbox.put(chat(number))
        await outbox.get()
    outbox.resume(GREETING, None)
    assert [event for event, _ in await contents(outbox)] == ["resumed", "chat_message", "chat_message"]


async def test_typing_is_dropped_first() -> None:
    overflows: list[None] = []
    outbox = Outbox(lambda: overflows.append(None))
    outbox.put(Typing(active=True))
    for number in range(CAPACITY):
        outbox.put(chat(number))
    outbox.put(Typing(active=False))
    assert overflows == []
    read = await contents(outbox)
    assert len(read) == CAPACITY
    assert {event for event, _ in read} == {"chat_message"}


async def test_a_reader_who_is_too_far_behind_is_reported_once_and_gets_nothing_more() -> None:
    overflows: list[None] = []
    outbox = Outbox(lambda: overflows.append(None))
    for number in range(CAPACITY + 5):
        outbox.put(chat(number))
    outbox.put(WaitingForPartner())
    assert overflows == [None]
    assert len(outbox) == CAPACITY


@pytest.mark.parametrize("read", [0, 1, 2])
async def test_what_was_said_in_a_conversation_that_is_over_is_not_said_in_the_next(read: int) -> None:
    """However much of it had been sent when the connection was lost."""
    outbox = Outbox()
    outbox.put(chat(1))
    outbox.put(PartnerFound(room_id=RoomId("next"), microphone=True, camera=True))
    outbox.put(chat(2))
    for _ in range(read):
        await outbox.get()
    outbox.resume(GREETING, None)
    assert [data["id"] for event, data in await contents(outbox) if event == "chat_message"] == ["2"]  # type: ignore[index]
