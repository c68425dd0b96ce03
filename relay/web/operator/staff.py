"""Staff by HTTP: signing in and out, coming in for the first time, and who is on the staff."""

from typing import TypeVar

import msgspec
from aiohttp import web

from relay import clock
from relay.auth import scopes
from relay.auth.passkeys import LARGEST_ANSWER, Place
from relay.auth.scopes import Role, Scope
from relay.auth.signed_in import Known
from relay.auth.staff import LINK_LASTS, Colleague, Staff
from relay.errors import ErrorCode, RelayError
from relay.store.staff import Member
from relay.web.bodies import read_json
from relay.web.callers import COOKIE, Callers
from relay.web.cookies import Cookies
from relay.web.places import place_of
from relay.web.visitor_address import VisitorAddresses

Shape = TypeVar("Shape")

LARGEST = LARGEST_ANSWER + 1_024
"""Bytes of a request with a browser's answer in it."""


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order that needs no words."""


class Answered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a browser made of what it was asked: the credential's `toJSON()`."""

    credential: msgspec.Raw


class Linked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secret part of somebody's link."""

    link: str


class Enrolled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    link: str
    credential: msgspec.Raw


class Leaving(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    everywhere: bool = False


class Invitation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    roles: tuple[Role, ...]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in."""

    name: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    ends: int
    """When they have to sign in again, in seconds since 1970."""


class StaffView(msgspec.Struct, frozen=True, kw_only=True):
    """One of the staff. Times are in seconds since 1970."""

    id: str
    name: str
    roles: tuple[str, ...]
    passkeys: int
    seen: int | None
    """When they last came, of where they are still signed in."""
    link_ends: int | None
    """Until when a link is open to them."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A link for somebody: said once, to who asked for it."""

    link: str
    """Its secret part: it goes behind `/operator#enrol=`."""
    seconds: int
    """For which it is open."""


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    roles: tuple[str, ...]
    options: msgspec.Raw
    """For `navigator.credentials.create`."""


class StaffPages:
    """What stands behind the endpoints."""

    def __init__(self, *, staff: Staff, callers: Callers, cookies: Cookies, addresses: VisitorAddresses) -> None:
        self._staff = staff
        self._callers = callers
        self._cookies = cookies
        self._addresses = addresses

    async def me(self, request: web.Request) -> web.Response:
        try:
            _, known = await self._callers.signed_in(request)
        except RelayError as error:
            if error.code is not ErrorCode.SIGNED_OUT:
                raise
            # No page can know it without asking, and nobody is refused anything.
            return _json(None)
        return _json(_me(known))

    async def begin_sign_in(self, request: web.Request) -> web.Response:
        await self._read(request, Nothing)
        return _raw(await self._staff.begin_sign_in(self._place(request), clock.unix()))

    async def sign_in(self, request: web.Request) -> web.Response:
        said = await self._read(request, Answered)
        token, known = await self._staff.sign_in(
            place=self._place(request),
            answer=bytes(said.credential),
            source=self._addresses.of(request),
            shown=self._callers.shown(request),
            now=clock.unix(),
        )
        return self._signed_in(request, token, known)

    async def begin_again(self, request: web.Request) -> web.Response:
        await self._read(request, Nothing)
        _, known = await self._callers.signed_in(request)
        return _raw(await self._staff.begin_again(self._place(request), known, clock.unix()))

    async def again(self, request: web.Request) -> web.Response:
        said = await self._read(request, Answered)
        token, known = await self._callers.signed_in(request)
        token = await self._staff.again(
            place=self._place(request),
            answer=bytes(said.credential),
            known=known,
            source=self._addresses.of(request),
            token=token,
            now=clock.unix(),
        )
        return self._signed_in(request, token, known)

    async def sign_out(self, request: web.Request) -> web.Response:
        said = await self._read(request, Leaving)
        answer = web.Response(status=204)
        self._cookies.drop(request, answer, COOKIE)
        try:
            token, known = await self._callers.signed_in(request)
        except RelayError as error:
            if error.code is not ErrorCode.SIGNED_OUT:
                raise
        else:
            await self._staff.sign_out(token, known, everywhere=said.everywhere)
        return answer

    async def begin_enrolment(self, request: web.Request) -> web.Response:
        said = await self._read(request, Linked)
        colleague, options = await self._staff.begin_enrolment(
            place=self._place(request), link=said.link, source=self._addresses.of(request), now=clock.unix()
        )
        return _json(Enrolment(name=colleague.name, roles=colleague.roles, options=msgspec.Raw(options)))

    async def enrol(self, request: web.Request) -> web.Response:
        said = await self._read(request, Enrolled)
        token, known = await self._staff.enrol(
            place=self._place(request),
            link=said.link,
            answer=bytes(said.credential),
            source=self._addresses.of(request),
            shown=self._callers.shown(request),
            now=clock.unix(),
        )
        return self._signed_in(request, token, known)

    async def all(self, request: web.Request) -> web.Response:
        await self._callers.admit(request, Scope.OPERATE)
        now = clock.unix()
        return _json([_view(member, now) for member in await self._staff.all()])

    async def invite(self, request: web.Request) -> web.Response:
        principal = await self._callers.admit(request, Scope.OPERATE, is_grave=True)
        said = await read_json(request, Invitation)
        if not said.roles:
            raise RelayError(ErrorCode.INVALID_MESSAGE, "Name a role.")
        roles = tuple(role for role in Role if role in said.roles)
        link = await self._staff.invite(principal.name, said.name, roles, clock.unix())
        return _json(Opened(link=link, seconds=LINK_LASTS))

    async def open_link(self, request: web.Request) -> web.Response:
        principal = await self._callers.admit(request, Scope.OPERATE, is_grave=True)
        link = await self._staff.open_link(principal.name, request.match_info["id"], clock.unix())
        return _json(Opened(link=link, seconds=LINK_LASTS))

    async def remove(self, request: web.Request) -> web.Response:
        principal = await self._callers.admit(request, Scope.OPERATE, is_grave=True)
        await self._staff.remove(principal.name, request.match_info["id"])
        return web.Response(status=204)

    async def _read(self, request: web.Request, shape: type[Shape]) -> Shape:
        self._callers.check_page(request)
        return await read_json(request, shape, LARGEST)

    def _place(self, request: web.Request) -> Place:
        return place_of(request, self._addresses)

    def _signed_in(self, request: web.Request, token: str, known: Known[Colleague]) -> web.Response:
        answer = _json(_me(known))
        seconds = known.session.ends_at - int(clock.unix())
        self._cookies.put(request, answer, COOKIE, token, seconds)
        return answer


def add_routes(app: web.Application, pages: StaffPages) -> None:
    """All of `/videochat/staff`."""
    router = app.router
    router.add_get("/videochat/staff/me", pages.me)
    router.add_post("/videochat/staff/sign-in/begin", pages.begin_sign_in)
    router.add_post("/videochat/staff/sign-in", pages.sign_in)
    router.add_post("/videochat/staff/again/begin", pages.begin_again)
    router.add_post("/videochat/staff/again", pages.again)
    router.add_post("/videochat/staff/sign-out", pages.sign_out)
    router.add_post("/videochat/staff/enrolment/begin", pages.begin_enrolment)
    router.add_post("/videochat/staff/enrolment", pages.enrol)
    router.add_get("/videochat/staff", pages.all)
    router.add_post("/videochat/staff", pages.invite)
    router.add_post("/videochat/staff/{id}/link", pages.open_link)
    router.add_post("/videochat/staff/{id}/remove", pages.remove)


def _me(known: Known[Colleague]) -> Me:
    person = known.person
    return Me(name=person.name, roles=person.roles, scopes=tuple(sorted(person.scopes)), ends=known.session.ends_at)


def _view(member: Member, now: float) -> StaffView:
    is_open = member.link_ends is not None and member.link_ends > now
    return StaffView(
        id=member.id,
        name=member.name,
        roles=scopes.read(member.roles),
        passkeys=member.passkeys,
        seen=member.seen_at,
        link_ends=member.link_ends if is_open else None,
    )


def _json(content: object) -> web.Response:
    return _raw(msgspec.json.encode(content))


def _raw(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})
