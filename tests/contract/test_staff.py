"""Staff, their passkeys and where they are signed in, on SQLite and on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from relay.config.settings import StateSettings
from relay.errors import ErrorCode, RelayError
from relay.store import staff as people
from relay.store.facts import new_key
from relay.store.passkeys import KeptPasskeys, Passkey
from relay.store.records import Records
from relay.store.signed_in import MOST, KeptSessions, SignedIn
from relay.store.staff import KeptStaff, Member
from relay.store.tables import staff_passkeys, staff_sessions

NOW = 1_800_000_000
LINK, OTHER = "a" * 64, "b" * 64


def fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


class Kept:
    """All that the store keeps of staff."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.staff = KeptStaff(records)
        self.passkeys = KeptPasskeys(records, staff_passkeys)
        self.sessions = KeptSessions(records, staff_sessions)

    async def let_in(self, name: str, link: str = LINK) -> Member:
        member = Member(new_key(), name, "operator auditor", NOW)
        await self.records.write(lambda connection: people.let_in(connection, member, link, NOW + 100))
        return member

    async def enrol(self, passkey: Passkey, link: str = LINK, now: int = NOW) -> None:
        await self.records.write(
            lambda connection: people.enrol(connection, link=link, now=now, passkey=passkey, made=1)
        )


@asynccontextmanager
async def kept(database: str, folder: Path) -> AsyncIterator[Kept]:
    settings = StateSettings(database=database, state_dir=str(folder))
    records = Records(settings, lambda happening: None, fail)
    await records.start()
    try:
        yield Kept(records)
    finally:
        await records.stop()


def passkey(owner: str, signed: int = 0, id: bytes = b"one") -> Passkey:
    return Passkey(id, owner, b"key", signed)


def session(owner: str, began: int = NOW) -> SignedIn:
    return SignedIn(owner, began, began, began, began + 1_000)


async def test_who_is_let_in_is_found_by_their_link_while_it_is_open(database: str, tmp_path: Path) -> None:
    async with kept(database, tmp_path) as store:
        ada = await store.let_in("Ada")
        assert (await store.staff.of_link(LINK, NOW + 99)) is not None
        assert (await store.staff.of_link(LINK, NOW + 100)) is None
        assert (await store.staff.of_link(OTHER, NOW)) is None
        found = await store.staff.find(ada.id)
        assert found is not None
        assert (found.name, found.roles, found.passkeys, found.link_ends) == ("Ada", "operator auditor", 0, NOW + 100)


async def test_a_name_is_one_persons(database: str, tmp_path: Path) -> None:
    async with kept(database, tmp_path) as store:
        await store.let_in("Ada")
        with pytest.raises(RelayError) as refused:
            await store.let_in("Ada", OTHER)
        assert refused.value.code is ErrorCode.NAME_TAKEN
        assert len(await store.staff.all()) == 1


async def test_of_two_who_use_a_link_at_once_one_comes_in(database: str, tmp_path: Path) -> None:
    async with kept(database, tmp_path) as store:
        ada = await store.let_in("Ada")
        results = await asyncio.gather(
            *(store.enrol(passkey(ada.id, id=bytes([number]))) for number in range(4)), return_exceptions=True
        )
        refusals = [result.code for result in results if isinstance(result, RelayError)]
        assert refusals == [ErrorCode.LINK_SPENT] * 3
        assert len(await store.passkeys.passkeys_of(ada.id)) == 1


async def test_a_link_whose_passkey_was_refused_stays_open(database: str, tmp_path: Path) -> None:
    async with kept(database, tmp_path) as store:
        ada, bob = await store.let_in("Ada"), await store.let_in("Bob", OTHER)
        await store.enrol(passkey(ada.id))
        with pytest.raises(RelayError) as refused:
            await store.enrol(passkey(bob.id), OTHER)
        assert refused.value.code is ErrorCode.PASSKEY_REFUSED
        await store.enrol(passkey(bob.id, id=b"two"), OTHER)


async def test_nobody_comes_in_by_a_link_of_somebody_else(database: str, tmp_path: Path) -> None:
    async with kept(database, tmp_path) as store:
        await store.let_in("Ada")
        bob = await store.let_in("Bob", OTHER)
        with pytest.raises(RelayError):
            await store.enrol(passkey(bob.id), LINK)


@pytest.mark.parametrize(
    ("before", "signed", "made", "counts"),
    [
        ((0, 10), 0, 11, True),
        ((0, 10), 0, 10, False),
        ((0, 10), 0, 9, False),
        ((5, 10), 6, 11, True),
        ((5, 10), 5, 11, False),
        ((5, 10), 0, 11, False),
        ((0, 10), 1, 11, True),
    ],
)
async def test_a_use_counts_if_challenge_and_counter_go_on(
    database: str, tmp_path: Path, before: tuple[int, int], signed: int, made: int, counts: bool
) -> None:
    async with kept(database, tmp_path) as store:
        ada = await store.let_in("Ada")
        assert await store.passkeys.add_passkey(passkey(ada.id, before[0]), before[1])
        assert await store.passkeys.use_passkey(b"one", signed, made) is counts
        found = await store.passkeys.passkey(b"one")
        assert found is not None
        assert found.signed == (signed if counts else before[0])


async def test_of_two_uses_of_one_challenge_one_counts(database: str, tmp_path: Path) -> None:
    async with kept(database, tmp_path) as store:
        ada = await store.let_in("Ada")
        await store.passkeys.add_passkey(passkey(ada.id), 1)
        used = await asyncio.gather(*(store.passkeys.use_passkey(b"one", 0, 2) for _ in range(4)))
        assert sorted(used) == [False, False, False, True]


async def test_a_passkey_is_kept_once(database: str, tmp_path: Path) -> None:
    async with kept(database, tmp_path) as store:
        ada = await store.let_in("Ada")
        assert [await store.passkeys.add_passkey(passkey(ada.id), 1) for _ in range(2)] == [True, False]


async def test_a_session_takes_the_place_of_another_and_those_that_are_over_go(database: str, tmp_path: Path) -> None:
    async with kept(database, tmp_path) as store:
        ada = await store.let_in("Ada")
        await store.sessions.add("over", session(ada.id, NOW - 2_000))
        await store.sessions.add("before", session(ada.id))
        await store.sessions.add("after", session(ada.id), "before")
        found = [await store.sessions.find(hash) for hash in ("over", "before", "after")]
        assert found == [None, None, session(ada.id)]
        await store.sessions.see("after", NOW + 70)
        seen = await store.sessions.find("after")
        assert seen is not None
        assert seen.seen_at == NOW + 70


async def test_somebody_is_signed_in_at_a_bounded_number_of_places(database: str, tmp_path: Path) -> None:
    async with kept(database, tmp_path) as store:
        ada = await store.let_in("Ada")
        for number in range(MOST + 2):
            await store.sessions.add(str(number), session(ada.id, NOW + number))
        there = [number for number in range(MOST + 2) if await store.sessions.find(str(number))]
        assert there == list(range(2, MOST + 2))


async def test_who_is_removed_leaves_nothing_that_signs_in(database: str, tmp_path: Path) -> None:
    async with kept(database, tmp_path) as store:
        ada, bob = await store.let_in("Ada"), await store.let_in("Bob", OTHER)
        await store.enrol(passkey(ada.id))
        await store.sessions.add("hers", session(ada.id))
        await store.sessions.add("his", session(bob.id))
        await store.records.write(lambda connection: people.remove(connection, ada.id))
        assert await store.passkeys.passkey(b"one") is None
        assert await store.sessions.find("hers") is None
        assert await store.sessions.find("his") is not None
        with pytest.raises(RelayError) as refused:
            await store.records.write(lambda connection: people.remove(connection, ada.id))
        assert refused.value.code is ErrorCode.NOT_FOUND
