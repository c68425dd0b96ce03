"""Accounts, as a browser meets them: by a passkey, at a provider, and not at all."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from relay.app import Relay
from tests.kit.oidc import Fault, Provider, provider
from tests.kit.passkeys import Authenticator
from tests.kit.people import Visitor, visit
from tests.kit.servers import on_loopback, running

ACCOUNT = "/videochat/account"


class Browser:
    """A page of ours, and its cookies."""

    def __init__(self, relay: Relay, session: aiohttp.ClientSession) -> None:
        self.origin = f"http://localhost:{relay.port}"
        self.session = session

    async def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        sent = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"} if headers is None else headers
        async with self.session.request(
            method, self.origin + path, json=body, headers=sent, allow_redirects=False
        ) as answer:
            content = await answer.read()
            return answer.status, json.loads(content) if content else None

    async def account(self) -> Any:
        status, told = await self.ask("GET", ACCOUNT)
        assert status == 200
        return told["account"]

    async def make(self, authenticator: Authenticator, nickname: str | None = None) -> tuple[int, Any]:
        _, begun = await self.ask("POST", f"{ACCOUNT}/passkeys/begin", {"nickname": nickname})
        credential = json.loads(authenticator.create(json.dumps(begun["options"]).encode()))
        body = {"owner": begun["owner"], "credential": credential, "nickname": nickname}
        return await self.ask("POST", f"{ACCOUNT}/passkeys", body)

    async def sign_in(self, authenticator: Authenticator) -> tuple[int, Any]:
        _, options = await self.ask("POST", f"{ACCOUNT}/sign-in/begin", {})
        credential = json.loads(authenticator.get(json.dumps(options).encode()))
        return await self.ask("POST", f"{ACCOUNT}/sign-in", {"credential": credential})

    async def leave(self) -> str:
        """Where the provider sends them back to."""
        status, told = await self.ask("POST", f"{ACCOUNT}/provider", {"back": f"{self.origin}{ACCOUNT}/back"})
        assert status == 200, told
        async with self.session.get(told["url"], allow_redirects=False) as answer:
            return answer.headers["Location"]

    async def arrive(self, at: str) -> str:
        """What the page is told."""
        async with self.session.get(at, allow_redirects=False) as answer:
            assert answer.status == 303
            return urlsplit(answer.headers["Location"]).query.removeprefix("sign-in=")


@asynccontextmanager
async def place(folder: Path, **settings: object) -> AsyncIterator[Relay]:
    given = {"accounts": "optional", "database": f"sqlite:///{folder}/relay.db", "state_dir": str(folder), **settings}
    async with running(on_loopback(**given)) as relay:
        yield relay


@asynccontextmanager
async def browser(relay: Relay) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Browser(relay, session)


def authenticator(relay: Relay) -> Authenticator:
    return Authenticator(f"http://localhost:{relay.port}")


async def test_a_passkey_makes_an_account_that_is_found_again_on_another_device(tmp_path: Path) -> None:
    async with place(tmp_path) as relay, browser(relay) as phone, browser(relay) as laptop:
        key = authenticator(relay)
        assert await phone.account() is None
        status, told = await phone.make(key, " Ann  of  Arc ")
        assert (status, told["account"]["nickname"]) == (200, "Ann of Arc")
        wish = {"nickname": "Ann", "preferences": {"mode": "text", "sound": False}}
        assert await phone.ask("PATCH", ACCOUNT, wish) == (204, None)
        status, told = await laptop.sign_in(key)
        assert (status, told["account"]["nickname"]) == (200, "Ann")
        assert told["account"]["preferences"] == {"mode": "text", "sound": False}
        assert (told["account"]["passkeys"], told["account"]["sessions"]) == (1, 2)


async def test_who_signs_out_is_unknown_and_who_deletes_their_account_is_so_everywhere(tmp_path: Path) -> None:
    async with place(tmp_path) as relay, browser(relay) as phone, browser(relay) as laptop:
        key = authenticator(relay)
        await phone.make(key)
        await laptop.sign_in(key)
        assert await laptop.ask("POST", f"{ACCOUNT}/sign-out", {}) == (204, None)
        assert await laptop.account() is None
        await laptop.sign_in(key)
        _, exported = await phone.ask("GET", f"{ACCOUNT}/export")
        assert exported["account"]["passkeys"] == 1
        assert await phone.ask("DELETE", ACCOUNT) == (204, None)
        assert await phone.account() is None
        assert await laptop.account() is None
        status, refused = await laptop.sign_in(key)
        assert (status, refused["code"]) == (403, "passkey_refused")
        status, refused = await phone.ask("PATCH", ACCOUNT, {"nickname": "Ann", "preferences": {}})
        assert (status, refused["code"]) == (401, "signed_out")


async def test_a_second_passkey_is_of_the_same_account(tmp_path: Path) -> None:
    async with place(tmp_path) as relay, browser(relay) as phone, browser(relay) as laptop:
        await phone.make(authenticator(relay), "Ann")
        another = authenticator(relay)
        status, told = await phone.make(another)
        assert (status, told["account"]["passkeys"]) == (200, 2)
        _, told = await laptop.sign_in(another)
        assert told["account"]["nickname"] == "Ann"


async def test_nobody_makes_a_passkey_for_somebody_else(tmp_path: Path) -> None:
    async with place(tmp_path) as relay, browser(relay) as ann, browser(relay) as mallory:
        await ann.make(authenticator(relay))
        _, begun = await ann.ask("POST", f"{ACCOUNT}/passkeys/begin", {})
        key = authenticator(relay)
        credential = json.loads(key.create(json.dumps(begun["options"]).encode()))
        body = {"owner": begun["owner"], "credential": credential}
        status, refused = await mallory.ask("POST", f"{ACCOUNT}/passkeys", body)
        assert (status, refused["code"]) == (403, "passkey_refused")
        status, refused = await mallory.ask("POST", f"{ACCOUNT}/passkeys", {**body, "owner": "0" * 32})
        assert (status, refused["code"]) == (403, "passkey_refused")
        assert (await ann.account())["passkeys"] == 1


async def test_only_pages_of_ours_act_for_an_account(tmp_path: Path) -> None:
    async with place(tmp_path) as relay, browser(relay) as ann:
        await ann.make(authenticator(relay))
        foreign = {"Origin": "https://another.example", "Sec-Fetch-Site": "cross-site"}
        for method, path in (
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", "/export"),
            ("POST", "/passkeys/begin"),
            ("POST", "/passkeys"),
            ("POST", "/sign-in/begin"),
            ("POST", "/sign-in"),
            ("POST", "/sign-out"),
            ("POST", "/provider"),
        ):
            status, refused = await ann.ask(method, ACCOUNT + path, {}, foreign)
            assert (status, refused["code"]) == (403, "origin_refused"), path
        assert await ann.account() is not None


async def test_what_an_account_carries_is_bounded(tmp_path: Path) -> None:
    async with place(tmp_path) as relay, browser(relay) as ann:
        await ann.make(authenticator(relay))
        for nickname, preferences in (
            ("a" * 41, {}),
            ("a\u202eb", {}),
            (None, {"a": "b" * 65}),
            (None, {"a b": True}),
            (None, {"a": {"b": 1}}),
            (None, {f"a{'b' * n}": True for n in range(33)}),
        ):
            body = {"nickname": nickname, "preferences": preferences}
            status, refused = await ann.ask("PATCH", ACCOUNT, body)
            assert (status, refused["code"]) == (400, "invalid_message"), body


async def test_one_address_makes_some_accounts_and_then_waits(tmp_path: Path) -> None:
    async with place(tmp_path) as relay, browser(relay) as ann:
        for _ in range(10):
            await ann.ask("POST", f"{ACCOUNT}/sign-out", {})
            status, _ = await ann.make(authenticator(relay))
            assert status == 200
        await ann.ask("POST", f"{ACCOUNT}/sign-out", {})
        status, refused = await ann.make(authenticator(relay))
        assert (status, refused["code"]) == (429, "rate_limited")


async def test_without_accounts_nobody_signs_in(tmp_path: Path) -> None:
    async with place(tmp_path, accounts="off") as relay, browser(relay) as ann:
        assert (await ann.ask("GET", ACCOUNT))[1]["accounts"] == "off"
        status, refused = await ann.ask("POST", f"{ACCOUNT}/sign-in/begin", {})
        assert (status, refused["code"]) == (404, "not_found")


async def test_somebody_signs_in_at_the_provider_and_is_the_same_the_next_time(tmp_path: Path) -> None:
    async with provider() as one, place(tmp_path, **one.settings()) as relay:
        async with browser(relay) as ann:
            assert (await ann.ask("GET", ACCOUNT))[1]["provider"] == "127.0.0.1"
            assert await ann.arrive(await ann.leave()) == "done"
            await ann.ask("PATCH", ACCOUNT, {"nickname": "Ann", "preferences": {}})
        async with browser(relay) as ann:
            assert await ann.arrive(await ann.leave()) == "done"
            assert (await ann.account())["nickname"] == "Ann"
        async with browser(relay) as bob:
            one.subject = "bob"
            assert await bob.arrive(await bob.leave()) == "done"
            assert (await bob.account())["nickname"] is None
    assert await asyncio.to_thread(lambda: b"bob" not in (tmp_path / "relay.db").read_bytes())


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.WRONG_NONCE, "sign_in_failed"),
        (Fault.WRONG_STATE, "sign_in_failed"),
        (Fault.DENIED, "sign_in_refused"),
        (Fault.NO_TOKEN, "provider_away"),
    ],
)
async def test_who_is_not_let_in_learns_why(tmp_path: Path, fault: Fault, code: str) -> None:
    async with provider() as one, place(tmp_path, **one.settings()) as relay, browser(relay) as ann:
        one.faults.add(fault)
        assert await ann.arrive(await ann.leave()) == code
        assert await ann.account() is None


async def test_an_answer_is_of_no_use_in_another_browser(tmp_path: Path) -> None:
    async with (
        provider() as one,
        place(tmp_path, **one.settings()) as relay,
        browser(relay) as mallory,
        browser(relay) as ann,
    ):
        assert await ann.arrive(await mallory.leave()) == "sign_in_failed"
        assert await ann.account() is None


async def test_a_provider_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    away = {"oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": "relay"}
    async with place(tmp_path, **away) as relay, browser(relay) as ann:
        status, refused = await ann.ask("POST", f"{ACCOUNT}/provider", {"back": f"{ann.origin}{ACCOUNT}/back"})
        assert (status, refused["code"]) == (502, "provider_away")


async def test_nobody_is_sent_back_to_elsewhere(tmp_path: Path) -> None:
    async with provider() as one, place(tmp_path, **one.settings()) as relay, browser(relay) as ann:
        for back in (f"https://another.example{ACCOUNT}/back", f"{ann.origin}.example{ACCOUNT}/back", ann.origin + "/"):
            status, refused = await ann.ask("POST", f"{ACCOUNT}/provider", {"back": back})
            assert (status, refused["code"]) == (400, "invalid_message"), back


async def claiming(folder: Path, one: Provider) -> tuple[str, Any, int]:
    """What becomes of somebody where a claim is required."""
    async with place(folder, oidc_required_claim="age_over_18", **one.settings()) as relay, browser(relay) as ann:
        became = await ann.arrive(await ann.leave())
        status, _ = await ann.ask("POST", f"{ACCOUNT}/passkeys/begin", {})
        return became, await ann.account(), status


async def test_a_claim_can_be_required_and_then_no_passkey_goes_past_it(tmp_path: Path) -> None:
    async with provider() as one:
        assert await claiming(tmp_path, one) == ("not_allowed", None, 404)
        one.claims["age_over_18"] = True
        became, account, _ = await claiming(tmp_path, one)
        assert became == "done"
        assert account is not None


async def test_where_an_account_is_needed_nobody_meets_anybody_without(tmp_path: Path) -> None:
    async with place(tmp_path, accounts="required") as relay, browser(relay) as ann:
        async with visit(relay.port) as stranger:
            await stranger.say("find_partner", mode="text")
            refused = await stranger.hear("error")
            assert refused["code"] == "account_needed"
        await ann.make(authenticator(relay))
        async with ann.session.ws_connect(f"{ann.origin}/ws") as socket:
            known = Visitor(socket)
            await known.hear("connected")
            await known.say("find_partner", mode="text")
            await known.hear("waiting_for_partner")


async def test_who_agreed_on_one_device_is_not_asked_on_another(tmp_path: Path) -> None:
    consent = "/videochat/consent"
    async with place(tmp_path, consent="required") as relay, browser(relay) as phone, browser(relay) as laptop:
        key = authenticator(relay)
        _, question = await phone.ask("GET", consent)
        assert question["is_needed"]
        await phone.ask("POST", consent, {"rules": question["rules"], "is_of_age": True})
        await phone.make(key)
        assert (await laptop.ask("GET", consent))[1]["is_needed"]
        await laptop.sign_in(key)
        assert not (await laptop.ask("GET", consent))[1]["is_needed"]
