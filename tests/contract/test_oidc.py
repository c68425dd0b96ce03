"""Signing in at a provider: what is taken, and what is refused of one that errs or is not who it seems."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from relay import clock
from relay.auth import oidc
from relay.auth.keys import Keys
from relay.auth.oidc import Identity, Oidc, Registration
from relay.checks.finding import Verdict
from relay.checks.provider import check_provider
from relay.config.addresses import is_safe
from relay.config.settings import Settings
from relay.errors import ErrorCode, RelayError
from tests.kit.oidc import CLIENT, SECRET, Fault, Provider, provider

BACK = "http://localhost:8080/videochat/account/back"


@asynccontextmanager
async def signing_in(one: Provider, keys: Keys | None = None) -> AsyncIterator[Oidc]:
    client = Oidc(Registration(one.issuer, CLIENT, one.secret), keys or Keys.temporary())
    try:
        yield client
    finally:
        await client.close()


async def visit(url: str) -> dict[str, str]:
    """What a browser brings back from the provider."""
    async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
        location = answer.headers["Location"]
        assert location.startswith(BACK)
        return dict(parse_qsl(urlsplit(location).query))


async def sign_in(client: Oidc, purpose: str = "account") -> Identity:
    begun = await client.begin(purpose, BACK)
    return await client.finish(purpose, begun.cookie, await visit(begun.url))


async def test_somebody_is_who_the_provider_says() -> None:
    claims = {"age_over_18": True, "realm_access": {"roles": ["a", "b"]}}
    async with provider(claims=claims) as one, signing_in(one) as client:
        identity = await sign_in(client)
    assert (identity.issuer, identity.subject) == (one.issuer, "ann")
    assert identity.has("age_over_18")
    assert identity.has("realm_access.roles=b")
    assert not identity.has("age_over_21")
    assert not identity.has("realm_access.roles=c")


async def test_a_client_without_a_secret_signs_in_by_pkce_alone() -> None:
    async with provider(secret=None) as one, signing_in(one) as client:
        assert (await sign_in(client)).subject == "ann"


async def test_the_provider_is_asked_once_for_what_it_is_and_for_its_keys() -> None:
    async with provider() as one, signing_in(one) as client:
        await sign_in(client)
        await sign_in(client)
    assert (one.asked.count("/.well-known/openid-configuration"), one.asked.count("/keys")) == (1, 1)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.WRONG_NONCE,
        Fault.WRONG_AUDIENCE,
        Fault.WRONG_ISSUER,
        Fault.ANOTHER_PARTY,
        Fault.SEVERAL_AUDIENCES,
        Fault.EXPIRED,
        Fault.ISSUED_LONG_AGO,
        Fault.ISSUED_TOMORROW,
        Fault.NO_SUBJECT,
        Fault.UNSIGNED,
        Fault.SHARED_SECRET,
        Fault.UNKNOWN_KEY,
        Fault.FORGED,
        Fault.WRONG_STATE,
    ],
)
async def test_a_token_or_an_answer_that_is_not_right_lets_nobody_in(fault: Fault) -> None:
    async with provider(faults={fault}) as one, signing_in(one) as client:
        with pytest.raises(RelayError) as refused:
            await sign_in(client)
    assert refused.value.code is ErrorCode.SIGN_IN_FAILED


async def test_who_says_no_there_is_not_signed_in() -> None:
    async with provider(faults={Fault.DENIED}) as one, signing_in(one) as client:
        with pytest.raises(RelayError) as refused:
            await sign_in(client)
    assert refused.value.code is ErrorCode.SIGN_IN_REFUSED


@pytest.mark.parametrize("fault", [Fault.HUGE, Fault.SLOW, Fault.REDIRECTS, Fault.PLAIN_ENDPOINT, Fault.ANOTHER_NAME])
async def test_a_provider_that_errs_is_away(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "TIMEOUT", 0.2)
    async with provider(faults={fault}) as one, signing_in(one) as client:
        with pytest.raises(RelayError) as refused:
            await client.begin("account", BACK)
        assert refused.value.code is ErrorCode.PROVIDER_AWAY
        with pytest.raises(RelayError):
            await client.begin("account", BACK)
    assert one.asked == ["/.well-known/openid-configuration"]  # and not again at once


async def test_one_that_gives_no_token_or_is_gone_by_then_is_away() -> None:
    async with provider(faults={Fault.NO_TOKEN}) as one, signing_in(one) as client:
        with pytest.raises(RelayError) as refused:
            await sign_in(client)
        assert refused.value.code is ErrorCode.PROVIDER_AWAY
        one.faults.clear()
        begun = await client.begin("account", BACK)
        answer = await visit(begun.url)
        one.faults.add(Fault.HUGE)
        with pytest.raises(RelayError) as refused:
            await client.finish("account", begun.cookie, answer)
        assert refused.value.code is ErrorCode.PROVIDER_AWAY


async def test_a_new_key_of_the_providers_is_fetched_and_not_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    async with provider() as one, signing_in(one) as client:
        await sign_in(client)
        one.turn_key()
        with pytest.raises(RelayError):
            await sign_in(client)  # too soon after the last time
        now += oidc.PAUSE
        await sign_in(client)
        one.faults.add(Fault.UNKNOWN_KEY)
        now += oidc.PAUSE
        for _ in range(3):
            with pytest.raises(RelayError):
                await sign_in(client)
    assert one.asked.count("/keys") == 3


async def test_an_answer_is_for_the_browser_that_was_sent_for_one_purpose_and_for_ten_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with provider() as one, signing_in(one) as client:
        begun, another = [await client.begin("account", BACK) for _ in range(2)]
        answer = await visit(begun.url)
        seed, expires, back = begun.cookie.split(".")
        longer = f"{seed}.{int(expires) + 1}.{back}"
        for purpose, cookie in (
            ("account", None),
            ("account", another.cookie),
            ("account", longer),
            ("account", ""),
            ("staff", begun.cookie),
        ):
            with pytest.raises(RelayError) as refused:
                await client.finish(purpose, cookie, answer)
            assert refused.value.code is ErrorCode.SIGN_IN_FAILED
        late = clock.unix() + oidc.LIFETIME + 1
        with monkeypatch.context() as patch:
            patch.setattr(clock, "unix", lambda: late)
            with pytest.raises(RelayError):
                await client.finish("account", begun.cookie, answer)
        assert (await client.finish("account", begun.cookie, answer)).subject == "ann"
        with pytest.raises(RelayError):
            await client.finish("account", begun.cookie, answer)  # a code is of use once


async def test_another_server_with_the_same_keys_takes_the_answer() -> None:
    keys = Keys.temporary()
    async with provider() as one, signing_in(one, keys) as here, signing_in(one, keys) as there:
        begun = await here.begin("account", BACK)
        assert (await there.finish("account", begun.cookie, await visit(begun.url))).subject == "ann"


async def test_an_answer_that_names_another_provider_is_refused() -> None:
    async with provider() as one, signing_in(one) as client:
        begun = await client.begin("account", BACK)
        answer = {**await visit(begun.url), "iss": "https://another.example"}
        with pytest.raises(RelayError) as refused:
            await client.finish("account", begun.cookie, answer)
    assert refused.value.code is ErrorCode.SIGN_IN_FAILED


async def test_a_wrong_secret_lets_nobody_in() -> None:
    async with provider(secret="another") as one:
        client = Oidc(Registration(one.issuer, CLIENT, SECRET), Keys.temporary())
        try:
            with pytest.raises(RelayError) as refused:
                await sign_in(client)
        finally:
            await client.close()
    assert refused.value.code is ErrorCode.SIGN_IN_FAILED


@pytest.mark.parametrize(
    ("url", "is_right"),
    [
        ("https://id.example.org/realms/a", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost", True),
        ("http://id.example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("https://user@id.example.org", False),
        ("https://", False),
        ("ftp://id.example.org", False),
        ("https://id.example.org/#a", False),
        ("https://[::1", False),
    ],
)
def test_a_provider_is_reached_by_https_or_on_this_machine(url: str, is_right: bool) -> None:
    assert is_safe(url) is is_right


async def test_relay_check_tries_the_provider() -> None:
    assert await check_provider(Settings()) == ()
    async with provider() as one:
        settings = Settings.of(**one.settings())
        (found,) = await check_provider(settings)
        assert found.verdict is Verdict.OK
        one.faults.add(Fault.ANOTHER_NAME)
        (found,) = await check_provider(settings)
    assert found.verdict is Verdict.FAILURE
    assert "RELAY_OIDC_ISSUER" in found.sentence
