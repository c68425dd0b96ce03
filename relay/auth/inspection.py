"""The audit log from the command line: it is checked, it is printed, and what is done there is noted in it.

Works while servers run, and without one.
"""

import asyncio
import getpass
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from relay import clock
from relay.auth import keys
from relay.auth.audit import LONGEST_NAME, Detail, deed_of
from relay.auth.keys import Keys
from relay.auth.printed import entry_of, line_of
from relay.config.settings import Settings
from relay.errors import ConfigurationError
from relay.store import audit
from relay.store.chain import Entry, Verifier
from relay.store.database import changing, file_of, locate, open_engine
from relay.store.writer import Answer, Change

LONGEST_LINE = 64 * 1024
"""Characters of an entry in a file."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of the whole chain."""

    is_whole: bool
    words: str


def show(settings: Settings, latest: int | None) -> Iterator[bytes]:
    """The lines of all entries, or of the latest so many, the oldest first."""
    for entry in _entries(settings, latest):
        yield msgspec.json.encode(line_of(entry))


def verify(settings: Settings, *, file: Path | None, key: str | None) -> Verdict:
    """Whether nothing was changed, removed, added or swapped: in the database, or in a `file` that `show` has
    written. `key` is the public one, in hexadecimal digits; None: the one of this server.

    Raises:
        ConfigurationError: the key or the file can't be used.
    """
    public = _public(settings, key)

    def check(signed: bytes, signature: bytes) -> bool:
        try:
            public.verify(signature, signed)
        except InvalidSignature:
            return False
        return True

    verifier = Verifier(check)
    entries = 0
    for entry in _entries(settings, None) if file is None else _read(file):
        entries += 1
        if wrong := verifier.take(entry):
            return Verdict(False, f"Entry {entry.n} breaks the chain. {wrong}")
    if wrong := verifier.end():
        return Verdict(False, wrong)
    if verifier.latest is None:
        return Verdict(True, "There are no entries yet.")
    latest = verifier.latest
    return Verdict(
        True,
        f"{entries:,} entries are whole. The latest is entry {latest.n} with the hash {latest.hash.hex()}: whether"
        " later ones are missing, the log of the server tells (`audited`).",
    )


def public_key(settings: Settings) -> str:
    """What others check signatures with, in hexadecimal digits."""
    return _keys(settings).audit_key.public_key().public_bytes_raw().hex()


def note(settings: Settings, what: str, subject: str = "", detail: Detail | None = None) -> None:
    """Note what is done by command line; see `do`."""

    async def nothing(connection: AsyncConnection) -> None:
        """There is no more to do in the database."""

    do(settings, nothing, what=what, subject=subject, detail=detail)


def do(
    settings: Settings, change: Change[Answer], *, what: str, subject: str = "", detail: Detail | None = None
) -> Answer:
    """Make a change by command line and note it: both, or neither. Nothing is noted in a database that no server of
    this version has opened yet, nor before a server has made its keys."""
    who = f"command line: {_user()}"[:LONGEST_NAME]
    return asyncio.run(_do(settings, change, who=who, what=what, subject=subject, detail=detail))


async def _do(
    settings: Settings, change: Change[Answer], *, who: str, what: str, subject: str, detail: Detail | None
) -> Answer:
    deed = deed_of(who, what, subject, detail)
    engine = open_engine(_url(settings))
    try:
        async with changing(engine) as connection:
            answer = await change(connection)
            if await audit.is_there(connection) and (signing := _keys_if_any(settings)):
                await audit.append(connection, deed, at=int(clock.unix()), sign=signing.audit_key.sign)
            return answer
    finally:
        await engine.dispose()


def _entries(settings: Settings, latest: int | None) -> Iterator[Entry]:
    """The oldest first, a step at a time."""
    url = _url(settings)
    file = file_of(url)
    if file is not None and not file.exists():
        return
    after = 0 if latest is None else max(0, asyncio.run(_ask(url, _number)) - latest)
    while entries := asyncio.run(_ask(url, partial(_after, n=after))):
        yield from entries
        after = entries[-1].n


async def _ask(url: URL, question: Change[Answer]) -> Answer:
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            return await question(connection)
    finally:
        await engine.dispose()


async def _number(connection: AsyncConnection) -> int:
    """Of the latest entry; 0: there is none."""
    found = await audit.latest(connection) if await audit.is_there(connection) else None
    return 0 if found is None else found.n


async def _after(connection: AsyncConnection, n: int) -> Sequence[Entry]:
    return await audit.after(connection, n) if await audit.is_there(connection) else ()


def _read(file: Path) -> Iterator[Entry]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(LONGEST_LINE), b""), 1):
                try:
                    yield entry_of(line)
                except ValueError as cause:
                    raise ConfigurationError(f"Line {number} of {file} is no entry of an audit log.") from cause
    except OSError as cause:
        raise ConfigurationError(f"{file} can't be read: {cause.strerror}.") from cause


def _public(settings: Settings, key: str | None) -> Ed25519PublicKey:
    if key is None:
        return _keys(settings).audit_key.public_key()
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    except ValueError as cause:
        raise ConfigurationError("The key is not 64 hexadecimal digits, as `relay audit key` prints them.") from cause


def _keys(settings: Settings) -> Keys:
    found = _keys_if_any(settings)
    if found is None:
        raise ConfigurationError(
            f"There are no keys in {settings.state.folder} yet: a server makes them at its first start."
        )
    return found


def _keys_if_any(settings: Settings) -> Keys | None:
    """None: there are none yet. They are not made here: the server could not read what another user has made."""
    given = settings.consent.keys_file
    if given is not None:
        return keys.given(Path(given))
    file = settings.state.folder / keys.FILE
    return keys.given(file) if file.exists() else None


def _url(settings: Settings) -> URL:
    return locate(settings.state.database, settings.state.folder)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container the user may have a number and no name.
        return "unknown"
