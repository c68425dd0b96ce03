"""Whether somebody receives where datagrams go: every media port asks back, over UDP as browsers do."""

import asyncio
import contextlib

from aioice import stun

from relay.observe.drops import Drop
from relay.transport.port import Credentials
from tests.contract.media_ports import ANN, BROWSER, CLIENT_HELLO, PASSWORD, Browser, Subject, check, until
from tests.kit.call import answer_to

FLIGHT = b"\x16" + bytes(999)


async def asked(browser: Browser) -> stun.Message:
    """The latest question, once there is one."""
    await until_hearing(browser, lambda: bool(browser.questions))
    return browser.questions[-1]


async def until_hearing(browser: Browser, condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(5):
        while not condition():
            assert await browser.hears_nothing(0.05)


async def test_who_checks_is_asked_back_as_an_ice_agent_asks(subject: Subject) -> None:
    browser = subject.browser(deaf=True)
    await browser.check()
    question = await asked(browser)
    assert question.attributes["USERNAME"] == "them:ann"
    assert question.check_message_integrity(BROWSER.password.encode())
    assert {"PRIORITY", "ICE-CONTROLLED", "FINGERPRINT"} <= set(question.attributes)
    # It may have got lost: the same is asked again, until it is answered or the limit is reached.
    browser.send(CLIENT_HELLO)
    await until_hearing(browser, lambda: len(browser.questions) >= 3)
    assert {again.transaction_id for again in browser.questions} == {question.transaction_id}
    browser.send(answer_to(question, BROWSER.password))
    before = len(browser.questions)
    assert await browser.hears_nothing(1.5)
    assert len(browser.questions) <= before + 1


async def test_who_does_not_answer_gets_less_than_three_times_what_came(subject: Subject) -> None:
    browser = subject.browser(deaf=True)
    await browser.check(nominate=True)
    browser.send(CLIENT_HELLO)
    sent = len(check(nominate=True)) + len(CLIENT_HELLO)
    for _ in range(100):
        subject.port.send_dtls(ANN, b"\x16" + bytes(31))
    await until(lambda: subject.dropped(Drop.PATH_UNVALIDATED) >= 80)
    for _ in range(20):
        subject.port.send_dtls(ANN, FLIGHT)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            while True:
                await browser.receive()
    assert 0 < browser.received <= 3 * sent


async def test_a_flight_that_must_wait_for_the_answer_goes_out_with_it(subject: Subject) -> None:
    browser = subject.browser(deaf=True)
    await browser.check()
    question = await asked(browser)
    flight = [b"\x16" + bytes([number]) * 999 for number in range(3)]
    for datagram in flight:
        subject.port.send_dtls(ANN, datagram)
    assert await browser.hears_nothing(0.2)
    browser.send(answer_to(question, BROWSER.password))
    assert [await browser.receive() for _ in flight] == flight
    assert await browser.hears_nothing(0.2)


async def test_who_answers_gets_everything(subject: Subject) -> None:
    browser = subject.browser()
    await browser.check(nominate=True)
    await asked(browser)
    await browser.check()
    for _ in range(50):
        subject.port.send_dtls(ANN, FLIGHT)
    for _ in range(50):
        assert await browser.receive() == FLIGHT
    assert subject.dropped(Drop.PATH_UNVALIDATED) == 0


async def test_what_is_beyond_the_limit_goes_to_where_somebody_answers(subject: Subject) -> None:
    home, away = subject.browser(), subject.browser(deaf=True)
    await home.check(nominate=True)
    await asked(home)
    await home.check(nominate=True)
    await away.check(nominate=True)
    question = await asked(away)
    sent = len(check(nominate=True))
    for _ in range(3):
        subject.port.send_dtls(ANN, FLIGHT)
        assert await home.receive() == FLIGHT
    # An answer counts from where the question went, and with the browser's own password.
    home.send(answer_to(question, BROWSER.password))
    await until(lambda: subject.dropped(Drop.STUN_UNASKED))
    away.send(answer_to(question, "w" * 24))
    await until(lambda: subject.dropped(Drop.STUN_BAD_INTEGRITY))
    subject.port.send_dtls(ANN, FLIGHT)
    assert await home.receive() == FLIGHT
    assert away.received <= 3 * sent
    away.send(answer_to(question, BROWSER.password))
    assert await away.hears_nothing()
    subject.port.send_dtls(ANN, FLIGHT)
    assert await away.receive() == FLIGHT
    assert [path.remote_port for _, path in subject.listener.selected] == [home.address[1], away.address[1]]


async def test_who_restarts_is_asked_with_the_credentials_that_it_checks_with(subject: Subject) -> None:
    """Already with its own new ones, and still with our old ones: the answer to its offer is on its way."""
    browser = subject.browser(deaf=True)
    subject.port.admit(ANN, Credentials("again", PASSWORD), Credentials("anew", "w" * 24))
    browser.send(check("ann", nominate=True, USERNAME="ann:anew"))
    await browser.receive()
    question = await asked(browser)
    assert question.attributes["USERNAME"] == "anew:ann"
    assert question.check_message_integrity(b"w" * 24)
