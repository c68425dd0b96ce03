"""`/videochat/consent`: what people are asked before they meet somebody, and the cookie by which they are known.

It is set when somebody agrees, and not before. At the first WebSocket of a later day it is written anew, so that it
lasts from the latest visit on; that is also when somebody counts as having returned.
"""

import os
from collections.abc import Sequence
from dataclasses import replace

import msgspec
from aiohttp import web

from relay import clock
from relay.auth.keys import Keys
from relay.auth.rules import Rules
from relay.auth.visitor import COOKIE, ID_BYTES, LASTS, Visitor, from_cookie, to_cookie
from relay.config.addresses import TURN_URL
from relay.config.people import AboutSettings, link_of
from relay.config.settings import Settings
from relay.errors import ErrorCode, RelayError
from relay.observe.happenings import VisitorCame
from relay.observe.journal import Journal
from relay.store.database import OFF
from relay.web.bodies import read_json
from relay.web.cookies import Cookies
from relay.web.origins import Origins

DAY = 86_400


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """To a page of the operator's."""

    title: str
    url: str


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs this place; None: they do not say."""

    name: str | None
    contact: str | None
    imprint: str | None
    links: tuple[Link, ...]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is asked."""

    is_needed: bool
    has_agreed: bool
    """To other rules, or at another age: they are asked anew."""
    rules: str
    """Their version."""
    rules_html: str
    minimum_age: int
    """Years; 0: nobody is asked."""
    site: About


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody agrees."""

    rules: str
    """The version that they were shown."""
    is_of_age: bool = False


class Privacy(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of people, in days; None: it is not kept."""

    site: About
    consent: bool
    """Whether there is a cookie."""
    cookie_days: int
    visits_days: int | None
    sums_days: int | None
    chats_days: int | None
    accounts: bool
    turn: tuple[str, ...]
    """Hosts of TURN servers outside, which see addresses."""


class Consent:
    """One per server."""

    def __init__(
        self, *, settings: Settings, rules: Rules, keys: Keys, cookies: Cookies, origins: Origins, journal: Journal
    ) -> None:
        self._is_required = settings.consent.is_required
        self._minimum_age = settings.consent.minimum_age
        self._rules = rules
        self._keys = keys
        self._cookies = cookies
        self._origins = origins
        self._journal = journal
        self._about = _about(settings.about)
        self._privacy = msgspec.json.encode(_privacy(settings, self._about))

    def greet(self, request: web.BaseRequest, response: web.StreamResponse) -> bool:
        """Whether who opens a WebSocket may meet somebody. On a later day than their latest their cookie is written
        anew."""
        if not self._is_required:
            return True
        today = _today()
        visitor = self._visitor(request, today)
        if visitor is None or not self._may_meet(visitor):
            return False
        if visitor.day < today:
            self._journal.note(VisitorCame(has_returned=True))
            self._remember(request, response, replace(visitor, day=today))
        return True

    def agreed(self, request: web.BaseRequest) -> Visitor | None:
        """Who may meet somebody by what they agreed to on this device; None also where nobody is asked."""
        visitor = self._visitor(request, _today()) if self._is_required else None
        return visitor if visitor is not None and self._may_meet(visitor) else None

    def take_over(self, request: web.BaseRequest, response: web.StreamResponse, rules: str, age: int) -> None:
        """Somebody agreed on another device of theirs: that holds here, if it is what is asked now."""
        visitor = Visitor(id=os.urandom(ID_BYTES), rules=rules, age=age, day=_today())
        if self._is_required and self._may_meet(visitor):
            self._remember(request, response, visitor)

    async def ask(self, request: web.Request) -> web.Response:
        """What is asked, and whether it has to be."""
        visitor = self._visitor(request, _today()) if self._is_required else None
        is_needed = self._is_required and not (visitor is not None and self._may_meet(visitor))
        question = Question(
            is_needed=is_needed,
            has_agreed=is_needed and visitor is not None,
            rules=self._rules.version,
            rules_html=self._rules.html,
            minimum_age=self._minimum_age,
            site=self._about,
        )
        return _json(msgspec.json.encode(question))

    async def agree(self, request: web.Request) -> web.Response:
        """Somebody agrees. Who was known before stays who they are."""
        self._origins.check_own(request)
        if not self._is_required:
            raise RelayError(ErrorCode.NOT_FOUND, "Nobody is asked here: RELAY_CONSENT is off.")
        answer = await read_json(request, Answer)
        if answer.rules != self._rules.version:
            raise RelayError(ErrorCode.CONSENT_OUTDATED, "The rules have changed. Read them again.")
        if self._minimum_age and not answer.is_of_age:
            raise RelayError(ErrorCode.CONSENT_NEEDED, f"This is for people of {self._minimum_age} years or older.")
        today = _today()
        known = self._visitor(request, today)
        if known is None:
            self._journal.note(VisitorCame(has_returned=False))
        # The day stays as it was: who comes back to new rules has returned.
        visitor = Visitor(
            id=known.id if known else os.urandom(ID_BYTES),
            rules=self._rules.version,
            age=self._minimum_age,
            day=known.day if known else today,
        )
        response = web.Response(status=204)
        self._remember(request, response, visitor)
        return response

    async def withdraw(self, request: web.Request) -> web.Response:
        """Somebody is forgotten by their own browser."""
        self._origins.check_own(request)
        response = web.Response(status=204)
        self._cookies.drop(request, response, COOKIE)
        return response

    async def privacy(self, request: web.Request) -> web.Response:
        """What a page about it has to say."""
        return _json(self._privacy)

    def _visitor(self, request: web.BaseRequest, today: int) -> Visitor | None:
        written = self._cookies.read(request, COOKIE)
        return None if written is None else from_cookie(written, self._keys, today)

    def _may_meet(self, visitor: Visitor) -> bool:
        return visitor.may_meet(self._rules.version, self._minimum_age)

    def _remember(self, request: web.BaseRequest, response: web.StreamResponse, visitor: Visitor) -> None:
        self._cookies.put(request, response, COOKIE, to_cookie(visitor, self._keys), LASTS * DAY)


def add_routes(app: web.Application, consent: Consent) -> None:
    """What the page asks, and what people answer."""
    app.router.add_get("/videochat/consent", consent.ask)
    app.router.add_post("/videochat/consent", consent.agree)
    app.router.add_delete("/videochat/consent", consent.withdraw)
    app.router.add_get("/videochat/privacy", consent.privacy)


def _about(settings: AboutSettings) -> About:
    links = (link_of(written) for written in settings.site_links)
    return About(
        name=settings.site_name,
        contact=settings.site_contact,
        imprint=settings.site_imprint,
        links=tuple(Link(title=title, url=url) for title, url in links),
    )


def _privacy(settings: Settings, about: About) -> Privacy:
    is_kept = settings.state.database != OFF
    return Privacy(
        site=about,
        consent=settings.consent.is_required,
        cookie_days=LASTS,
        visits_days=settings.state.keep_visits if is_kept else None,
        sums_days=settings.state.keep_sums if is_kept else None,
        chats_days=None,
        accounts=settings.account.are_on,
        turn=_hosts(settings.turn.turn_urls),
    )


def _hosts(turn_urls: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found.group(1) for url in turn_urls if (found := TURN_URL.fullmatch(url))))


def _today() -> int:
    return int(clock.unix()) // DAY


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})
