"""Staff from the command line: how the first one comes in, and how somebody who can't come in any more does.

Works while servers run, and without one.
"""

import asyncio
import time
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from relay import clock
from relay.auth import inspection, scopes
from relay.auth.scopes import Role
from relay.auth.staff import LINK_LASTS, hash_of, name_of, new_link
from relay.config.settings import Settings
from relay.errors import ConfigurationError, RelayError
from relay.store import staff, upkeep
from relay.store.database import file_of, locate, open_engine
from relay.store.facts import new_key
from relay.store.staff import Member


def roles_of(written: str) -> tuple[Role, ...]:
    """As somebody types them.

    Raises:
        ConfigurationError: that is none.
    """
    try:
        return scopes.read(written)
    except ValueError as cause:
        known = ", ".join(Role)
        raise ConfigurationError(f"`{written}` is no role. There are: {known}; several with commas between.") from cause


def add(settings: Settings, name: str, roles: Sequence[Role], url: str | None) -> str:
    """Let somebody in; gives what to tell them.

    Raises:
        ConfigurationError: there is somebody of this name, or there is no database.
    """
    _prepare(settings)
    name = _name(name)
    link, now = new_link(), int(clock.unix())
    member = Member(new_key(), name, scopes.write(roles), now)

    async def let_in(connection: AsyncConnection) -> None:
        await staff.let_in(connection, member, hash_of(link), now + LINK_LASTS)

    try:
        inspection.do(settings, let_in, what="staff_added", subject=name, detail={"roles": member.roles})
    except RelayError as error:
        raise ConfigurationError(f"{error.sentence} `relay staff link` opens another link to them.") from error
    return _told(settings, name, link, url)


def open_link(settings: Settings, name: str, url: str | None) -> str:
    """Another link to somebody; gives what to tell them.

    Raises:
        ConfigurationError: there is nobody of this name, or there is no database.
    """
    _prepare(settings)
    name = _name(name)
    link, now = new_link(), int(clock.unix())

    async def open_it(connection: AsyncConnection) -> None:
        member = await _named(connection, name)
        await staff.open_link(connection, member.id, hash_of(link), now + LINK_LASTS)

    inspection.do(settings, open_it, what="staff_link_opened", subject=name)
    return _told(settings, name, link, url)


def remove(settings: Settings, name: str) -> str:
    """With their passkeys; where they are signed in, they are signed out in a few seconds.

    Raises:
        ConfigurationError: there is nobody of this name, or there is no database.
    """
    _prepare(settings)
    name = _name(name)

    async def leave(connection: AsyncConnection) -> None:
        await staff.remove(connection, (await _named(connection, name)).id)

    inspection.do(settings, leave, what="staff_removed", subject=name)
    return f"{name} is no longer on the staff."


def show(settings: Settings) -> str:
    """Who there is, a line each."""
    _prepare(settings)
    members = asyncio.run(_all(settings))
    return "\n".join(map(_line, members)) or "Nobody is on the staff. `relay staff add NAME --role operator` lets in."


async def _all(settings: Settings) -> list[Member]:
    engine = open_engine(locate(settings.state.database, settings.state.folder))
    try:
        async with engine.connect() as connection:
            return await staff.read(connection)
    finally:
        await engine.dispose()


async def _named(connection: AsyncConnection, name: str) -> Member:
    member = await staff.named(connection, name)
    if member is None:
        raise ConfigurationError(f"There is nobody called {name} on the staff. `relay staff list` says who is.")
    return member


def _prepare(settings: Settings) -> None:
    """Bring the database to this version. It is not made here: the server could not write what another user made."""
    url = locate(settings.state.database, settings.state.folder)
    file = file_of(url)
    if file is not None and not file.exists():
        raise ConfigurationError(f"{file} is not there yet: the server makes it at its first start.")
    upkeep.bring_up_to_date(url)


def _name(written: str) -> str:
    try:
        return name_of(written)
    except RelayError as error:
        raise ConfigurationError(error.sentence) from error


def _line(member: Member) -> str:
    passkeys = "1 passkey" if member.passkeys == 1 else f"{member.passkeys} passkeys"
    seen = (
        "" if member.seen_at is None else f", seen {time.strftime('%Y-%m-%d %H:%M', time.gmtime(member.seen_at))} UTC"
    )
    is_open = member.link_ends is not None and member.link_ends > clock.unix()
    return f"{member.name}: {member.roles.replace(' ', ', ')}; {passkeys}{seen}{', a link is open' if is_open else ''}"


def _told(settings: Settings, name: str, link: str, url: str | None) -> str:
    page = (url or _page(settings)).rstrip("/")
    lines = [
        f"{name} opens this once, within {LINK_LASTS // 60} minutes, where the passkey is to be:",
        f"  {page}/operator#enrol={link}",
    ]
    if url is None and not settings.site.hosts:
        lines.append("If your page is elsewhere, say so by --url: a passkey belongs to the host that it was made on.")
    return "\n".join(lines)


def _page(settings: Settings) -> str:
    """Where visitors find it, as far as settings tell."""
    base = settings.site.base_path.rstrip("/")
    if settings.site.hosts:
        return f"https://{settings.site.hosts[0]}{base}"
    return f"http://localhost:{settings.network.port}{base}"
