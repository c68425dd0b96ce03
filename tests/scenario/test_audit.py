"""What the operator does is noted: what a whole server has of it, and what the command line says."""

import asyncio
import contextlib
import json
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from relay.app import Relay
from relay.config.settings import Settings
from relay.store.database import FILE
from tests.kit.people import introduce, visit
from tests.kit.servers import ask, on_loopback, running

TOKEN = "0123456789abcdef"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}


def noting(folder: Path, **more: object) -> Settings:
    return on_loopback(**{"database": None, "state_dir": str(folder), "operator_token": TOKEN, **more})


@asynccontextmanager
async def operating(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}", headers=OPERATOR) as client:
        yield client


async def audited(client: aiohttp.ClientSession, query: str = "") -> dict[str, Any]:
    async with client.get(f"/videochat/audit{query}") as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        told: dict[str, Any] = await answer.json()
        return told


async def command(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of the command line."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", *arguments, f"--state-dir={folder}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_what_the_operator_does_is_noted(tmp_path: Path) -> None:
    async with running(noting(tmp_path)) as relay, operating(relay) as client:
        async with visit(relay.port) as ann, visit(relay.port) as bob:
            found, _ = await introduce(ann, bob)
            for _ in range(3):
                async with client.get("/videochat/overview") as answer:
                    assert answer.status == 200
            async with client.post(f"/videochat/rooms/{found['room_id']}/end") as answer:
                assert answer.status == 200
            async with client.post(f"/videochat/rooms/{found['room_id']}/end") as answer:
                assert answer.status == 404
        async with client.post("/videochat/drain") as answer:
            assert answer.status == 200
        told = await audited(client)
        deeds = [(entry["n"], entry["who"], entry["what"]) for entry in told["entries"]]
        assert deeds == [(3, "operator", "drain"), (2, "operator", "room_ended"), (1, "operator", "signed_in")]
        assert told["entries"][1]["subject"] == found["room_id"]
        assert "127" not in told["entries"][2]["subject"]
        assert told["before"] is None
        page = await audited(client, "?most=2")
        assert ([entry["n"] for entry in page["entries"]], page["before"]) == ([3, 2], 2)
        page = await audited(client, f"?most=2&before={page['before']}")
        assert ([entry["n"] for entry in page["entries"]], page["before"]) == ([1], None)
        for nonsense in ("?most=0&before=-1", "?most=x&before=%F0%9D%9F%99", f"?before={'9' * 400}"):
            assert len((await audited(client, nonsense))["entries"]) in (1, 3)
        assert 'relay_audited_total{what="room_ended"} 1.0' in relay.metrics.render().decode()


async def test_strangers_see_nothing_of_it(tmp_path: Path) -> None:
    async with running(noting(tmp_path)) as relay:
        assert (await ask(relay, "/videochat/audit", []))[0] == 401


async def test_what_cannot_be_noted_is_not_done_but_the_operator_sees_what_is_wrong(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.touch()
    ordered = []
    relay = Relay(noting(state), lambda: ordered.append("drain"))
    await relay.start()
    try:
        async with operating(relay) as client, visit(relay.port) as ann, visit(relay.port) as bob:
            found, _ = await introduce(ann, bob)
            async with client.get("/videochat/overview") as answer:
                assert answer.status == 200
            for path in (f"/videochat/rooms/{found['room_id']}/end", "/videochat/drain"):
                async with client.post(path) as answer:
                    assert (answer.status, (await answer.json())["code"]) == (503, "store_unavailable")
                    assert "Retry-After" in answer.headers
            await ann.say("chat_message", id="1", text="still here", room_id=found["room_id"])
            await bob.hear("chat_message")
        assert not ordered
    finally:
        await relay.stop()


async def test_without_a_database_the_operator_acts_all_the_same(tmp_path: Path) -> None:
    ordered = []
    relay = Relay(noting(tmp_path, database="off"), lambda: ordered.append("drain"))
    await relay.start()
    try:
        async with operating(relay) as client:
            async with client.post("/videochat/drain") as answer:
                assert answer.status == 200
            async with client.get("/videochat/audit") as answer:
                assert (answer.status, (await answer.json())["code"]) == (404, "store_off")
        assert ordered == ["drain"]
    finally:
        await relay.stop()


async def test_the_command_line_prints_and_checks_what_was_noted(tmp_path: Path) -> None:
    state = tmp_path / "state"
    code, said = await command(state, "audit", "verify")
    assert (code, "There are no keys" in said) == (2, True)
    async with running(noting(state)) as relay, operating(relay) as client:
        async with client.get("/videochat/overview") as answer:
            assert answer.status == 200
        async with client.post("/videochat/drain") as answer:
            assert answer.status == 200
        assert (await command(state, "store", "backup", str(tmp_path / "copy.db")))[0] == 0
        code, said = await command(state, "audit", "verify")
        assert (code, said.startswith("3 entries are whole.")) == (0, True), said
    code, said = await command(state, "audit", "show")
    assert [json.loads(line)["what"] for line in said.splitlines()] == ["signed_in", "drain", "store_copied"]
    assert [
        json.loads(line)["n"] for line in (await command(state, "audit", "show", "--latest=1"))[1].splitlines()
    ] == [3]
    written = tmp_path / "audit.jsonl"
    written.write_text(said)
    key = (await command(state, "audit", "key"))[1].strip()
    elsewhere = tmp_path / "elsewhere"
    assert (await command(elsewhere, "audit", "verify", f"--key={key}", str(written)))[0] == 0
    written.write_text(said.replace("drain", "brain"))
    code, told = await command(elsewhere, "audit", "verify", f"--key={key}", str(written))
    assert (code, told) == (1, "Entry 2 breaks the chain. It was changed after it was written.\n")
    written.write_text("something else\n")
    assert (await command(elsewhere, "audit", "verify", f"--key={key}", str(written)))[0] == 2
    with contextlib.closing(sqlite3.connect(state / FILE)) as connection, connection:
        connection.execute("DROP TRIGGER audit_keeps")
        connection.execute("UPDATE audit SET who = 'somebody else' WHERE n = 1")
    code, told = await command(state, "audit", "verify")
    assert (code, told) == (1, "Entry 1 breaks the chain. It was changed after it was written.\n")


async def test_what_was_restored_is_a_chain_that_goes_on(tmp_path: Path) -> None:
    state, copy = tmp_path / "state", str(tmp_path / "copy.db")
    async with running(noting(state)) as relay, operating(relay) as client:
        assert (await command(state, "store", "backup", copy))[0] == 0
        async with client.get("/videochat/overview") as answer:
            assert answer.status == 200
    assert (await command(state, "store", "restore", copy))[0] == 0
    said = (await command(state, "audit", "show"))[1]
    assert [json.loads(line)["what"] for line in said.splitlines()] == ["store_restored"]
    code, said = await command(state, "audit", "verify")
    assert (code, said.startswith("1 entries are whole.")) == (0, True), said
