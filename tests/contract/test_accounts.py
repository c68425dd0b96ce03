"""Accounts as they are kept, on SQLite and on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from sqlalchemy import func, select

from relay.config.settings import StateSettings
from relay.store.accounts import Account, KeptAccounts
from relay.store.facts import new_key
from relay.store.passkeys import KeptPasskeys, Passkey
from relay.store.records import Records
from relay.store.signed_in import KeptSessions, SignedIn
from relay.store.tables import account_identities, account_passkeys, account_sessions, accounts
from tests.kit.stores import found


def nobody(where: str, failure: BaseException) -> None:
    raise AssertionError(where) from failure


@asynccontextmanager
async def recording(database: str) -> AsyncIterator[Records]:
    records = Records(StateSettings(database=database), lambda _: None, nobody)
    await records.start()
    try:
        yield records
    finally:
        await records.stop()


def account() -> Account:
    return Account(new_key(), None, "{}", None, 0, 1_000)


def passkey(owner: str, id: bytes = b"a passkey") -> Passkey:
    return Passkey(id, owner, b"a public key", 0)


async def test_an_account_carries_what_somebody_wrote_and_agreed_to(database: str) -> None:
    ann = account()
    async with recording(database) as records:
        kept = KeptAccounts(records)
        assert await kept.find(ann.id) is None
        assert await kept.add(ann, passkey(ann.id), 1)
        await kept.change(ann.id, "Ann", '{"mode":"text"}')
        await kept.agree(ann.id, "2", 18)
        assert await kept.find(ann.id) == replace(ann, nickname="Ann", preferences='{"mode":"text"}', rules="2", age=18)


async def test_an_account_without_its_passkey_is_none(database: str) -> None:
    ann, bob = account(), account()
    async with recording(database) as records:
        kept = KeptAccounts(records)
        assert await kept.add(ann, passkey(ann.id), 1)
        assert not await kept.add(ann, passkey(ann.id, b"another"), 1)
        assert not await kept.add(bob, passkey(bob.id), 1)
        assert await kept.find(bob.id) is None
        assert (await kept.ways(ann.id)).passkeys == 1


async def test_an_identity_is_one_account_s_however_many_browsers_come_at_once(database: str) -> None:
    async with recording(database) as records:
        kept = KeptAccounts(records)
        of_all = await asyncio.gather(*(kept.of_identity("a" * 64, account()) for _ in range(8)))
        another = await kept.of_identity("b" * 64, account())
    assert len({each.id for each in of_all}) == 1
    assert another.id != of_all[0].id
    assert await found(database, select(func.count()).select_from(accounts)) == [(2,)]


async def test_who_is_removed_is_gone_from_every_table(database: str) -> None:
    async with recording(database) as records:
        kept = KeptAccounts(records)
        ann = await kept.of_identity("a" * 64, account())
        await KeptPasskeys(records, account_passkeys).add_passkey(passkey(ann.id), 1)
        await KeptSessions(records, account_sessions).add("c" * 64, SignedIn(ann.id, 1, 1, 1, 100))
        ways = await kept.ways(ann.id)
        assert (ways.passkeys, ways.identities, ways.sessions) == (1, 1, 1)
        await kept.remove(ann.id)
    for table in (accounts, account_identities, account_passkeys, account_sessions):
        assert await found(database, select(func.count()).select_from(table)) == [(0,)]
