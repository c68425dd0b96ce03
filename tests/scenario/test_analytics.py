"""What is kept of the days before, as the operator asks a whole server for it."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from relay.app import Relay
from relay.config.settings import Settings
from relay.store import store as store_module
from relay.store.analytics import MOST_DAYS, Period, Step
from tests.kit.people import PATIENCE, introduce, until, visit
from tests.kit.servers import on_loopback, running

TOKEN = "0123456789abcdef"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
PATHS = ("/videochat/analytics", "/videochat/analytics.csv")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return on_loopback(database=None, state_dir=str(tmp_path / "state"), operator_token=TOKEN)


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}", headers=OPERATOR) as session:
        yield session


async def meet(relay: Relay) -> None:
    """Two people talk and leave, and it is written."""
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob, "text")
    await until(lambda: relay.figures().people == 0)
    relay._records._chronicle.sum_up()
    async with asyncio.timeout(PATIENCE):
        # Sums are written in the order of their names, and this is the last.
        while (await relay._records.analytics(1, Step.HOUR)).total.waits == 0:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_the_operator_is_told_of_those_who_came(relay: Relay, client: aiohttp.ClientSession) -> None:
    await meet(relay)
    async with client.get("/videochat/analytics", params={"days": "1"}) as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        told = await answer.json()
    assert (told["step"], len(told["periods"])) == (3_600, 24)
    total = told["total"]
    assert (total["people"], total["waits"], total["rooms_text"], total["rooms_video"]) == (2, 2, 1, 0)
    assert sum(value for name, value in total.items() if name.startswith("ended_")) == 1
    assert total["mean_wait"] < 5
    assert total["mean_room"] < 5
    assert total["mean_visit"] < 5
    assert total["success"] is None, "nobody tried"


async def test_days_can_be_asked_for_instead_of_hours(client: aiohttp.ClientSession) -> None:
    async with client.get("/videochat/analytics", params={"days": "30", "by": "day"}) as answer:
        told = await answer.json()
    assert (told["step"], len(told["periods"])) == (86_400, 30)


async def test_the_same_comes_as_a_table(relay: Relay, client: aiohttp.ClientSession) -> None:
    await meet(relay)
    async with client.get("/videochat/analytics.csv", params={"days": "1"}) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="relay-analytics.csv"'
        lines = list(csv.DictReader(io.StringIO(await answer.text())))
    assert len(lines) == 24
    assert set(lines[0]) == {"begins_utc", *Period.__struct_fields__} - {"at"}
    assert sum(int(line["people"]) for line in lines) == 2


@pytest.mark.parametrize(
    ("days", "rows"),
    [("", 7 * 24), ("rubbish", 7 * 24), ("²", 7 * 24), ("-3", 7 * 24), ("0", 24), ("99999", MOST_DAYS)],
)
async def test_any_number_of_days_has_an_answer_of_bounded_length(
    client: aiohttp.ClientSession, days: str, rows: int
) -> None:
    async with client.get("/videochat/analytics", params={"days": days}) as answer:
        assert len((await answer.json())["periods"]) == rows


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer somebody else's"}])
@pytest.mark.parametrize("path", PATHS)
async def test_strangers_are_told_nothing(relay: Relay, path: str, headers: dict[str, str]) -> None:
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}") as client,
        client.get(path, headers=headers) as answer,
    ):
        assert answer.status == 401
        assert set(await answer.json()) == {"code", "message"}


@pytest.mark.parametrize("path", PATHS)
async def test_a_server_that_keeps_nothing_says_so(path: str) -> None:
    async with (
        running(on_loopback(operator_token=TOKEN)) as relay,
        aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}", headers=OPERATOR) as client,
        client.get(path) as answer,
    ):
        assert answer.status == 404
        assert await answer.json() == {"code": "store_off", "message": "Nothing is kept: RELAY_DATABASE is off."}


@pytest.mark.parametrize("path", PATHS)
async def test_while_the_database_is_away_the_operator_is_told_so(tmp_path: Path, path: str) -> None:
    state = tmp_path / "state"
    state.touch()
    async with (
        running(on_loopback(database=None, state_dir=str(state), operator_token=TOKEN)) as relay,
        aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}", headers=OPERATOR) as client,
        client.get(path) as answer,
    ):
        assert answer.status == 503
        assert await answer.json() == {"code": "store_away", "message": "The database is away. The log says why."}


async def test_an_answer_that_takes_too_long_is_not_waited_for(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "ANSWERING", 0.0)
    async with client.get("/videochat/analytics") as answer:
        assert answer.status == 503
        assert (await answer.json())["message"] == "The database did not answer in time."
    monkeypatch.undo()
    async with client.get("/videochat/analytics") as answer:
        assert answer.status == 200
