"""DTLS associations, two ends of ours against each other."""

import asyncio
from collections import deque
from contextlib import suppress

import pytest
from OpenSSL import SSL

from relay.peer.aiortc_bridge import SharedCertificate
from relay.peer.dtls import BACKLOG, Dtls
from relay.peer.lines import DtlsRole, Fingerprint, SrtpKeys, SrtpProfile
from relay.peer.standing import LONGEST_ALERT

WRONG = (Fingerprint("sha-256", ":".join(["00"] * 32)),)
HANDSHAKE = b"\x16" + bytes(50)


class End:
    """One end: what it was told, and what it has to send."""

    def __init__(self, certificate: SharedCertificate, role: DtlsRole, theirs: tuple[Fingerprint, ...]) -> None:
        self.keys: list[SrtpKeys] = []
        self.endings = 0
        self.out: deque[bytes] = deque()
        self.dtls: Dtls = certificate.begin(self.out.append, role, theirs, self)

    def dtls_connected(self, keys: SrtpKeys) -> None:
        self.keys.append(keys)

    def dtls_ended(self) -> None:
        self.endings += 1


class Ends:
    """Two that speak to each other."""

    def __init__(self, client_knows: tuple[Fingerprint, ...] = (), server_knows: tuple[Fingerprint, ...] = ()) -> None:
        one, other = SharedCertificate(), SharedCertificate()
        self.client = End(one, DtlsRole.CLIENT, client_knows or other.fingerprints)
        self.server = End(other, DtlsRole.SERVER, server_knows or one.fingerprints)

    def start(self) -> None:
        self.server.dtls.start()
        self.client.dtls.start()
        self.deliver()

    def deliver(self) -> None:
        """Until neither has anything to say."""
        ways = (self.client, self.server), (self.server, self.client)
        while any(sender.out for sender, _ in ways):
            for sender, receiver in ways:
                while sender.out:
                    receiver.dtls.feed(sender.out.popleft())

    def close(self) -> None:
        self.client.dtls.close()
        self.server.dtls.close()


class Bare:
    """A browser's end, of OpenSSL alone, and what stands with us."""

    def __init__(self, suite: str, role: DtlsRole) -> None:
        theirs, ours = SharedCertificate(), SharedCertificate()
        self.end = End(ours, role, theirs.fingerprints)
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_certificate(theirs._certificate._cert)
        context.use_privatekey(theirs._certificate._key)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.set_tlsext_use_srtp(SrtpProfile.AEAD_AES_128_GCM.value.encode())
        context.set_cipher_list(suite.encode())
        self.tls = SSL.Connection(context)
        (self.tls.set_accept_state if role is DtlsRole.CLIENT else self.tls.set_connect_state)()
        self.end.dtls.start()

    def shake_hands(self) -> None:
        for _ in range(5):
            self.take()
            with suppress(SSL.WantReadError):
                self.tls.do_handshake()
            self.give()

    def take(self) -> None:
        while self.end.out:
            self.tls.bio_write(self.end.out.popleft())

    def give(self) -> None:
        with suppress(SSL.WantReadError):
            while True:
                self.end.dtls.feed(self.tls.bio_read(1_500))


@pytest.fixture(autouse=True)
async def in_a_loop() -> None:
    """Timers need one."""


async def test_both_ends_export_the_same_keys() -> None:
    ends = Ends()
    ends.start()
    (client,), (server,) = ends.client.keys, ends.server.keys
    assert client.profile is server.profile
    assert (client.send, client.receive) == (server.receive, server.send)
    assert client.send != client.receive
    ends.close()


@pytest.mark.parametrize("knows", ["client", "server"])
async def test_a_wrong_fingerprint_yields_no_keys(knows: str) -> None:
    ends = Ends(WRONG, ()) if knows == "client" else Ends((), WRONG)
    ends.start()
    deceived = ends.client if knows == "client" else ends.server
    assert (deceived.keys, deceived.endings) == ([], 1)
    assert not deceived.dtls.feed(HANDSHAKE)
    ends.close()
    assert not deceived.out, "who is not who they said to be is not spoken to"


async def test_every_digest_that_was_announced_has_to_be_right() -> None:
    certificate = SharedCertificate()
    ends = Ends(server_knows=(*certificate.fingerprints, *WRONG))
    ends.start()
    assert (ends.server.keys, ends.server.endings) == ([], 1)
    ends.close()


async def test_closing_one_end_ends_the_other() -> None:
    ends = Ends()
    ends.start()
    ends.client.dtls.close()
    ends.client.dtls.close()
    ends.deliver()
    assert (ends.client.endings, ends.server.endings) == (0, 1)
    ends.server.dtls.close()
    assert not ends.server.out


async def test_what_comes_before_the_beginning_is_kept_up_to_a_limit() -> None:
    ends = Ends()
    ends.client.dtls.start()
    hello = ends.client.out.popleft()
    taken = sum(ends.server.dtls.feed(hello) for _ in range(100))
    assert taken == BACKLOG
    assert not ends.server.out
    ends.server.dtls.start()
    ends.deliver()
    assert len(ends.server.keys) == len(ends.client.keys) == 1
    ends.close()


async def test_a_flight_that_is_lost_is_sent_again() -> None:
    ends = Ends()
    ends.server.dtls.start()
    ends.client.dtls.start()
    lost = list(ends.client.out)
    ends.client.out.clear()
    async with asyncio.timeout(5):
        while not ends.client.out:  # noqa: ASYNC110 - the clock is OpenSSL's
            await asyncio.sleep(0.05)
    assert len(ends.client.out) == len(lost)
    ends.deliver()
    assert len(ends.server.keys) == len(ends.client.keys) == 1
    ends.close()


@pytest.mark.parametrize("when", ["before", "in the midst", "after"])
async def test_no_timer_outlives_an_association(when: str) -> None:
    ends = Ends()
    if when != "before":
        ends.client.dtls.start()
    if when == "after":
        ends.start()
    ends.close()
    assert ends.client.dtls._timer is ends.server.dtls._timer is None


async def test_noise_ends_no_association_that_stands() -> None:
    ends = Ends()
    ends.start()
    ends.server.dtls.feed(b"\x17\xfe\xfd" + bytes(40))
    ends.server.dtls.feed(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28")
    ends.deliver()
    assert (ends.server.endings, ends.client.endings) == (0, 0)
    ends.client.dtls.close()
    ends.deliver()
    assert ends.server.endings == 1
    ends.close()


@pytest.mark.parametrize("role", DtlsRole)
@pytest.mark.parametrize("seal", ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"])
async def test_nothing_of_openssl_is_kept_and_both_ends_can_still_end_it(seal: str, role: DtlsRole) -> None:
    for says in ("browser", "we"):
        browser = Bare(f"ECDHE-ECDSA-{seal}", role)
        browser.shake_hands()
        end = browser.end
        assert (len(end.keys), end.dtls._tls, end.dtls._timer) == (1, None, None)
        assert (browser.tls.get_cipher_name() or "").endswith(seal)
        if says == "browser":
            browser.tls.shutdown()
            browser.give()
            assert end.endings == 1
            end.dtls.close()
            assert not end.out
        else:
            end.dtls.close()
            assert max(map(len, end.out)) <= LONGEST_ALERT
            browser.take()
            with pytest.raises(SSL.ZeroReturnError):
                browser.tls.recv(1)


async def test_nobody_else_can_end_it() -> None:
    browser = Bare("ECDHE-ECDSA-AES128-GCM-SHA256", DtlsRole.SERVER)
    browser.shake_hands()
    browser.tls.shutdown()
    ending = browser.tls.bio_read(1_500)
    for at in range(len(ending)):
        assert browser.end.dtls.feed(ending[:at]), "cut short"
        assert browser.end.dtls.feed(ending[:at] + bytes((ending[at] ^ 1,)) + ending[at + 1 :]), "one bit is another"
    assert (browser.end.endings, len(browser.end.out)) == (0, 0)
    browser.end.dtls.feed(b"\x16\xfe\xfd" + bytes(10) + ending)
    assert browser.end.endings == 1, "behind another record, too"


async def test_our_last_flight_is_sent_again_if_it_was_lost() -> None:
    ends = Ends()
    ends.server.dtls.start()
    ends.client.dtls.start()
    while not ends.server.keys:
        while ends.server.out:
            ends.client.dtls.feed(ends.server.out.popleft())
        while ends.client.out:
            ends.server.dtls.feed(ends.client.out.popleft())
    assert ends.server.out
    ends.server.out.clear()
    async with asyncio.timeout(5):
        while not ends.client.out:  # noqa: ASYNC110 - the clock is OpenSSL's
            await asyncio.sleep(0.05)
    ends.deliver()
    assert len(ends.client.keys) == 1
    ends.close()
