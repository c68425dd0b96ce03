"""`/videochat/account`: signing in and out, and what an account carries.

All but the way back from the provider is asked for by pages of ours alone. What goes to the provider is answered from
there by a link of another site, with which browsers send no cookie that is `Strict`: so the one that knows who was sent
is `Lax`, is good for nothing else, and is gone afterwards.
"""

from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from msgspec import Meta

from relay import clock
from relay.auth.accounts import LASTS, Accounts, Preferences, SignedUp, to_nickname
from relay.auth.oidc import LIFETIME
from relay.auth.passkeys import Place
from relay.config.people import AccountChoice
from relay.errors import ErrorCode, RelayError
from relay.observe.happenings import SignedIn
from relay.observe.journal import Journal
from relay.store.accounts import Account
from relay.web.authority import origin
from relay.web.bodies import read_json
from relay.web.consent import Consent
from relay.web.cookies import Cookies
from relay.web.origins import Origins
from relay.web.visitor_address import VisitorAddresses

COOKIE = "relay-account"
ON_THE_WAY = "relay-sign-in"
"""The cookie of who is at the provider."""
BACK = "/videochat/account/back"
PAGE = "../../"
"""Of people, as seen from there."""
LARGEST_CREDENTIAL = 24 * 1024
"""Bytes of what a browser's authenticator says, with what we need beside it."""

Key = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Written = Annotated[str, Meta(max_length=200)]


class Theirs(msgspec.Struct, frozen=True, kw_only=True):
    """An account, as its owner sees it."""

    nickname: str | None
    preferences: msgspec.Raw
    passkeys: int
    """That they may sign in with."""
    identities: int
    """At the provider."""
    sessions: int
    """Browsers that are signed in."""
    made_at: int
    """In seconds since 1970."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """How it is with accounts here, and who asks."""

    accounts: str
    passkeys: bool = False
    """Whether somebody may sign in by one."""
    provider: str | None = None
    """Its name; None: there is none."""
    account: Theirs | None = None
    """None: they are not signed in."""


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept of somebody with an account. Of their passkeys and of who they are at the provider there is
    nothing that says anything to a person."""

    account: Theirs
    rules: str | None
    """The version of the rules that they agreed to."""
    minimum_age: int
    """The years that they said to have reached; 0: they were not asked."""


class Naming(msgspec.Struct, frozen=True):
    """Somebody who wants a passkey."""

    nickname: Written | None = None


class Making(msgspec.Struct, frozen=True):
    """A passkey that was made for `owner`."""

    owner: Key
    credential: msgspec.Raw
    nickname: Written | None = None


class Showing(msgspec.Struct, frozen=True):
    """A passkey that was used."""

    credential: msgspec.Raw


class Leaving(msgspec.Struct, frozen=True):
    """Somebody who goes to the provider, and where they are to come back to."""

    back: Annotated[str, Meta(max_length=500)]


class Changing(msgspec.Struct, frozen=True):
    """What an account is to carry."""

    nickname: Written | None
    preferences: Preferences


class AccountDesk:
    """One per server."""

    def __init__(
        self,
        *,
        accounts: Accounts | None,
        consent: Consent,
        cookies: Cookies,
        origins: Origins,
        addresses: VisitorAddresses,
        journal: Journal,
    ) -> None:
        """Without `accounts` there are none."""
        self._open = accounts
        self._consent = consent
        self._cookies = cookies
        self._origins = origins
        self._addresses = addresses
        self._journal = journal

    async def lets_meet(self, request: web.BaseRequest) -> bool:
        """Whether who opens a WebSocket may meet somebody: who has no account may not where one is needed."""
        accounts = self._open
        if accounts is None or accounts.settings.accounts != AccountChoice.REQUIRED:
            return True
        try:
            return await accounts.desk.know(self._cookies.read(request, COOKIE), clock.unix()) is not None
        except RelayError:
            return False  # the database is away, and the page will say so

    async def look(self, request: web.Request) -> web.Response:
        """How it is with accounts here, and who asks."""
        if self._open is None:
            return _json(Told(accounts=AccountChoice.OFF))
        account = await self._known(request)
        return await self._tell(request, account)

    async def begin_passkey(self, request: web.Request) -> web.Response:
        accounts, place = self._ours(request)
        naming = await read_json(request, Naming)
        name = to_nickname(naming.nickname)
        owner, options = await accounts.begin_passkey(place, await self._known(request), name, clock.unix())
        return _json({"owner": owner, "options": msgspec.Raw(options)})

    async def make_passkey(self, request: web.Request) -> web.Response:
        """An account for it, or one more passkey for who is signed in."""
        accounts, place = self._ours(request)
        made = await read_json(request, Making, LARGEST_CREDENTIAL)
        account = await self._known(request)
        if account is not None and account.id == made.owner:
            await accounts.add_passkey(place, account, bytes(made.credential), clock.unix())
            return await self._tell(request, account)
        name, source = to_nickname(made.nickname), self._addresses.of(request)
        before = self._cookies.read(request, COOKIE)
        try:
            signed_up = await accounts.make(
                place, made.owner, bytes(made.credential), name, source, clock.unix(), before
            )
        except RelayError as error:
            self._note("passkey", error)
            raise
        return await self._let_in(request, signed_up)

    async def begin_sign_in(self, request: web.Request) -> web.Response:
        accounts, place = self._ours(request)
        return _json(msgspec.Raw(await accounts.begin_sign_in(place, clock.unix())))

    async def sign_in(self, request: web.Request) -> web.Response:
        accounts, place = self._ours(request)
        shown = await read_json(request, Showing, LARGEST_CREDENTIAL)
        source, before = self._addresses.of(request), self._cookies.read(request, COOKIE)
        try:
            signed_up = await accounts.sign_in(place, bytes(shown.credential), source, clock.unix(), before)
        except RelayError as error:
            self._note("passkey", error)
            raise
        return await self._let_in(request, signed_up)

    async def leave_for_provider(self, request: web.Request) -> web.Response:
        """Where the browser is to go."""
        accounts, place = self._ours(request)
        leaving = await read_json(request, Leaving)
        if not leaving.back.startswith(f"{place.origin}/") or not urlsplit(leaving.back).path.endswith(BACK):
            raise RelayError(ErrorCode.INVALID_MESSAGE, "That is no page of ours.")
        begun = await accounts.begin_provider(leaving.back)
        response = _json({"url": begun.url})
        self._cookies.put(request, response, ON_THE_WAY, begun.cookie, LIFETIME, same_site="Lax")
        return response

    async def come_back(self, request: web.Request) -> web.Response:
        """From the provider. Whatever became of it, the page says it."""
        accounts = self._accounts
        response = web.Response(status=303, headers={"Location": f"{PAGE}?sign-in=done", "Cache-Control": "no-store"})
        on_the_way, before = (self._cookies.read(request, name) for name in (ON_THE_WAY, COOKIE))
        source = self._addresses.of(request)
        try:
            signed_up = await accounts.finish_provider(on_the_way, dict(request.query), source, clock.unix(), before)
            await self._admit(request, response, signed_up)
        except RelayError as error:
            self._note("provider", error)
            response.headers["Location"] = f"{PAGE}?sign-in={error.code}"
        else:
            self._note("provider")
        if on_the_way is not None:
            self._cookies.drop(request, response, ON_THE_WAY)
        return response

    async def change(self, request: web.Request) -> web.Response:
        accounts, _ = self._ours(request)
        account = await self._signed_in(request)
        changing = await read_json(request, Changing)
        await accounts.change(account, to_nickname(changing.nickname), changing.preferences)
        return web.Response(status=204)

    async def export(self, request: web.Request) -> web.Response:
        """All that is kept of them, as a file."""
        self._origins.check_own(request)
        account = await self._signed_in(request)
        theirs = await self._theirs(account)
        response = _json(Exported(account=theirs, rules=account.rules, minimum_age=account.age))
        response.headers["Content-Disposition"] = 'attachment; filename="account.json"'
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        accounts, _ = self._ours(request)
        token = self._cookies.read(request, COOKIE)
        if token:
            await accounts.desk.sign_out(token)
        return self._without_cookie(request)

    async def remove(self, request: web.Request) -> web.Response:
        accounts, _ = self._ours(request)
        await accounts.remove(await self._signed_in(request))
        return self._without_cookie(request)

    @property
    def _accounts(self) -> Accounts:
        if self._open is None:
            raise RelayError(ErrorCode.NOT_FOUND, "There are no accounts here: RELAY_ACCOUNTS is off.")
        return self._open

    def _ours(self, request: web.Request) -> tuple[Accounts, Place]:
        """Asked by a page of ours, which is at this place."""
        accounts = self._accounts
        self._origins.check_own(request)
        written = request.headers.get("Origin", "")
        found = origin(written)
        if found is None:
            raise RelayError(ErrorCode.ORIGIN_REFUSED, "Only our own pages may ask for this.")
        return accounts, Place(found.host, written)

    async def _known(self, request: web.Request) -> Account | None:
        known = await self._accounts.desk.know(self._cookies.read(request, COOKIE), clock.unix())
        return None if known is None else known.person

    async def _signed_in(self, request: web.Request) -> Account:
        account = await self._known(request)
        if account is None:
            raise RelayError(ErrorCode.SIGNED_OUT, "You are not signed in any more.")
        return account

    async def _let_in(self, request: web.Request, signed_up: SignedUp) -> web.Response:
        response = await self._tell(request, signed_up.account)
        await self._admit(request, response, signed_up)
        self._note("passkey")
        return response

    async def _admit(self, request: web.Request, response: web.Response, signed_up: SignedUp) -> None:
        self._cookies.put(request, response, COOKIE, signed_up.token, LASTS)
        await self._share_consent(request, response, signed_up.account)

    async def _share_consent(self, request: web.Request, response: web.Response, account: Account) -> None:
        """What somebody agreed to on one of their devices holds on all."""
        agreed = self._consent.agreed(request)
        if agreed is not None:
            await self._accounts.agree(account, agreed.rules, agreed.age)
        elif account.rules is not None:
            self._consent.take_over(request, response, account.rules, account.age)

    async def _tell(self, request: web.Request, account: Account | None) -> web.Response:
        settings = self._accounts.settings
        theirs = None if account is None else await self._theirs(account)
        told = Told(
            accounts=settings.accounts,
            passkeys=settings.by_passkey,
            provider=settings.provider_name,
            account=theirs,
        )
        response = _json(told)
        if account is not None:
            await self._share_consent(request, response, account)
        return response

    async def _theirs(self, account: Account) -> Theirs:
        ways = await self._accounts.ways(account)
        return Theirs(
            nickname=account.nickname,
            preferences=msgspec.Raw(account.preferences.encode()),
            passkeys=ways.passkeys,
            identities=ways.identities,
            sessions=ways.sessions,
            made_at=account.made_at,
        )

    def _without_cookie(self, request: web.Request) -> web.Response:
        response = web.Response(status=204)
        self._cookies.drop(request, response, COOKIE)
        return response

    def _note(self, by: str, error: RelayError | None = None) -> None:
        self._journal.note(SignedIn(by=by, result="right" if error is None else error.code.value))


def add_routes(app: web.Application, desk: AccountDesk) -> None:
    """What the page asks of accounts, and the way back from the provider."""
    base = "/videochat/account"
    app.router.add_get(base, desk.look)
    app.router.add_patch(base, desk.change)
    app.router.add_delete(base, desk.remove)
    app.router.add_get(f"{base}/export", desk.export)
    app.router.add_post(f"{base}/passkeys/begin", desk.begin_passkey)
    app.router.add_post(f"{base}/passkeys", desk.make_passkey)
    app.router.add_post(f"{base}/sign-in/begin", desk.begin_sign_in)
    app.router.add_post(f"{base}/sign-in", desk.sign_in)
    app.router.add_post(f"{base}/sign-out", desk.sign_out)
    app.router.add_post(f"{base}/provider", desk.leave_for_provider)
    app.router.add_get(BACK, desk.come_back)


def _json(told: object) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=msgspec.json.encode(told), content_type="application/json", headers=headers)
