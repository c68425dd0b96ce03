"""What a whole server keeps of people, and what it does when it can't."""
# ruff: noqa: ASYNC221, ASYNC240 - files and disks of a test

import asyncio
import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import run
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from relay.app import Relay
from relay.config.settings import Settings
from relay.store import writer
from relay.store.database import FILE
from relay.store.store import StoreState
from relay.store.tables import sessions
from tests.kit.people import introduce, until, visit
from tests.kit.ports import free_port
from tests.kit.postgres import postgres
from tests.kit.servers import Served, on_loopback, running, serving, start
from tests.kit.stores import found, head

CONVERSATIONS = 100
ADDRESS = "127.0.7.77"
WORDS = "nobody else is to read this"
TOKEN = "0123456789abcdef"


def kept(file: Path, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


async def command(*arguments: str, **settings: str) -> tuple[int, str]:
    """Exit code and output of `relay store`."""
    given = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", "store", *arguments, *given),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def health(port: int) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as client,
        client.get(f"http://127.0.0.1:{port}/videochat/health") as answer,
    ):
        assert answer.status == 200
        told: dict[str, Any] = await answer.json()
        return told


async def status_for_strangers(port: int) -> tuple[int, Any]:
    """What a load balancer and a monitor elsewhere are told."""
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{port}/videochat/health") as answer,
    ):
        return answer.status, await answer.json()


def with_a_database(folder: Path, **more: object) -> Settings:
    return on_loopback(database=None, state_dir=str(folder), operator_token=TOKEN, **more)


async def talk(relay: Relay) -> None:
    """Two people meet, write, and go."""
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob, "text")
        await ann.say("chat_message", id="1", text=WORDS, room_id=found["room_id"])
        await bob.hear("chat_message")


async def test_the_files_tell_that_people_talked_and_nothing_that_leads_to_them(tmp_path: Path) -> None:
    private = {ADDRESS, WORDS, "127.0.0.1"}
    async with running(with_a_database(tmp_path, rate_address_join=100_000, rate_address_skip=100_000)) as relay:
        for _ in range(CONVERSATIONS):
            async with visit(relay.port, ADDRESS) as ann, visit(relay.port) as bob:
                found, _ = await introduce(ann, bob, "text")
                await ann.say("chat_message", id="1", text=WORDS, room_id=found["room_id"])
                await bob.hear("chat_message")
                private |= {found["room_id"], ann.token, bob.token, *relay._directory._sessions}
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for word in private:
        assert word.encode() not in content, word
    file = tmp_path / FILE
    assert kept(file, "SELECT mode, reason, count(*) FROM rooms GROUP BY 1, 2") == [("text", "left", CONVERSATIONS)]
    assert kept(file, "SELECT rooms, count(*) FROM user_sessions GROUP BY 1") == [(1, 2 * CONVERSATIONS)]
    assert kept(file, "SELECT count(*) FROM room_sessions JOIN user_sessions ON session = id") == [(2 * CONVERSATIONS,)]
    assert kept(file, "SELECT sum(value) FROM hourly WHERE name = 'rooms_text'") == [(CONVERSATIONS,)]
    assert kept(file, "SELECT sum(value) FROM hourly WHERE name = 'sessions'") == [(2 * CONVERSATIONS,)]


async def test_without_a_database_nothing_is_written(tmp_path: Path) -> None:
    async with running(on_loopback(state_dir=str(tmp_path), operator_token=TOKEN)) as relay:
        async with visit(relay.port) as ann, visit(relay.port) as bob:
            await introduce(ann, bob)
        assert (await health(relay.port))["store"] == "off"
        assert "relay_store" not in relay.metrics.render().decode()
    assert list(tmp_path.iterdir()) == []


async def test_a_server_that_is_killed_while_it_writes_leaves_a_database_that_the_next_one_goes_on_with(
    tmp_path: Path,
) -> None:
    file = tmp_path / FILE
    database = f"sqlite:///{file}"

    def visits() -> int:
        return int(kept(file, "SELECT count(*) FROM user_sessions")[0][0])

    for _ in range(3):
        port = free_port()
        process = await start("--bind=127.0.0.1", f"--port={port}", database=database)
        await Served(process, port).answers()
        before = visits()
        while visits() == before:
            async with visit(port):
                pass
        process.kill()
        await process.wait()
        assert kept(file, "PRAGMA integrity_check") == [("ok",)]
    before = visits()
    async with serving(database=database) as served, visit(served.port):
        pass
    assert visits() == before + 1


async def test_people_meet_and_the_operator_is_told_while_the_database_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY", (0.05, 0.1))
    state = tmp_path / "state"
    state.touch()
    async with running(with_a_database(state)) as relay:
        assert (await health(relay.port))["store"] == "away"
        assert await status_for_strangers(relay.port) == (200, {"ready": True, "status": "degraded"})
        assert "\nrelay_store_open 0.0\n" in relay.metrics.render().decode()
        async with visit(relay.port) as ann, visit(relay.port) as bob:
            await introduce(ann, bob)
        state.unlink()
        await until(lambda: relay.figures().store.waiting == 0)
        assert (await health(relay.port))["store"] == "open"
        assert await status_for_strangers(relay.port) == (200, {"ready": True, "status": "ok"})
        assert "\nrelay_store_dropped_total 0.0\n" in relay.metrics.render().decode()
    assert kept(state / FILE, "SELECT count(*) FROM user_sessions") == [(2,)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small one of the test's own."""
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", tmp_path], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("only root can mount a disk")
    yield tmp_path
    run(["umount", "--lazy", tmp_path], check=True)


def fill(file: Path) -> None:
    """Until nothing more fits on its disk."""
    with file.open("wb", buffering=0) as opened, contextlib.suppress(OSError):
        while True:
            opened.write(bytes(4_096))


async def test_people_meet_on_a_full_disk_and_all_of_it_is_written_when_there_is_room(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY", (0.05, 0.1))
    met = 0
    async with running(with_a_database(disk, rate_address_join=100_000)) as relay:
        fill(disk / "filler")
        async with asyncio.timeout(20):
            while (await health(relay.port))["store"] == "open":
                await talk(relay)
                met += 1
        await talk(relay)
        assert (await health(relay.port))["store"] == "away"
        assert relay.figures().store.waiting > 0
        (disk / "filler").unlink()
        await until(lambda: relay.figures().store.state is StoreState.OPEN)
        assert (await health(relay.port))["store"] == "open"
        assert relay.figures().store.dropped == 0
    assert kept(disk / FILE, "PRAGMA integrity_check") == [("ok",)]
    assert kept(disk / FILE, "SELECT count(*) FROM rooms") == [(met + 1,)]
    assert kept(disk / FILE, "SELECT count(*) FROM user_sessions") == [(2 * (met + 1),)]


async def test_people_meet_while_the_folder_is_read_only(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a system leaves it whose disk had a fault."""
    monkeypatch.setattr(writer, "RETRY", (0.05, 0.1))
    async with running(with_a_database(disk)) as relay:
        await talk(relay)
    run(["mount", "-o", "remount,ro", disk], check=True)
    async with running(with_a_database(disk)) as relay:
        await talk(relay)
        assert (await health(relay.port))["store"] == "away"
        run(["mount", "-o", "remount,rw", disk], check=True)
        await until(lambda: relay.figures().store.state is StoreState.OPEN)
        assert (await health(relay.port))["store"] == "open"
        assert relay.figures().store.dropped == 0
    assert kept(disk / FILE, "SELECT count(*) FROM rooms") == [(2,)]


async def test_people_talk_on_and_others_meet_while_postgresql_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY", (0.05, 0.1))
    with postgres() as server:
        settings = on_loopback(database=server.url(), operator_token=TOKEN)
        async with running(settings) as relay, visit(relay.port) as ann, visit(relay.port) as bob:
            await introduce(ann, bob, "text")
            server.stop()
            await talk(relay)
            await until(lambda: relay.figures().store.state is StoreState.AWAY)
            assert (await health(relay.port))["store"] == "away"
            await ann.say("chat_message", id="1", text=WORDS)
            assert (await bob.hear("chat_message"))["text"] == WORDS
            server.start()
            await until(lambda: relay.figures().store.state is StoreState.OPEN)
            assert relay.figures().store.dropped == 0
        written = await found(server.url(), select(sessions.c.rooms))
    assert written == [(1,)] * 4


async def test_a_server_does_not_start_on_what_a_newer_one_wrote(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / FILE}"
    assert (await command("migrate", database=database))[0] == 0
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    process = await start("--bind=127.0.0.1", f"--port={free_port()}", database=database, log=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 2
    assert said.decode().splitlines()[-1].startswith("relay: The database was written by a newer version of relay")
    code, told = await command("migrate", database=database)
    assert (code, "newer version" in told) == (2, True)


async def test_the_database_is_looked_after_from_the_command_line(tmp_path: Path) -> None:
    database, backup = f"sqlite:///{tmp_path / FILE}", str(tmp_path / "backup.db")
    assert (await command("status", database=database)) == (
        0,
        f"{tmp_path / FILE}: there is none yet. The server makes it at its first start.\n",
    )
    async with serving(database=database) as served:
        async with visit(served.port):
            pass
        await until(lambda: kept(tmp_path / FILE, "SELECT count(*) FROM user_sessions") == [(1,)])
        assert (await command("backup", backup, database=database))[0] == 0
        assert (await command("backup", backup, database=database)) == (
            2,
            f"relay: {backup} exists: name a new file.\n",
        )
        async with visit(served.port):
            pass
        await until(lambda: kept(tmp_path / FILE, "SELECT count(*) FROM user_sessions") == [(2,)])
        code, told = await command("status", database=database)
        assert (code, "user_sessions: 2 rows\n" in told, f"tables: {head()}\n" in told) == (0, True, True)
        assert (await command("restore", backup, database=database))[0] == 0
        assert "user_sessions: 1 rows\n" in (await command("status", database=database))[1]
    assert (await command("restore", str(tmp_path / "none"), database=database))[0] == 2
    assert (await command("status", database="off")) == (2, "relay: `database` is `off`: nothing is kept.\n")
    code, told = await command("status", database="postgresql://relay:secret@127.0.0.1:9/relay")
    assert (code, "can't be reached" in told, "secret" in told) == (2, True, False)
    code, told = await command("backup", "x", database="postgresql://relay:secret@127.0.0.1:9/relay")
    assert (code, "pg_dump" in told, "secret" in told) == (2, True, False)
