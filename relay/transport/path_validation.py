"""One address that a peer showed, and whether somebody there receives.

A right check proves where it came from, and nothing more: anybody with credentials of their own can
write a bystander's address as its source. So a path is *validated* (RFC 9000 section 8) by an answer
to a check of ours, whose random transaction id only a receiver could read, or by TCP's handshake. Until
then what is sent there stays below three times what came from there. A validation lasts as long as
consent does (RFC 7675 section 5.1) and is renewed in time. Nothing else renews it.
"""

import secrets
from dataclasses import dataclass

from relay.transport.port import Path, Transport

AMPLIFICATION = 3
"""Times what came from an unvalidated path that may be sent there (RFC 9000 section 8.1)."""

KEPT = 256
"""Bytes of that which are kept for a question and its repetition: nothing else ends the limit."""

FIRST_ASKED_AGAIN = 0.1
"""Seconds until an unvalidated path is asked again; doubled each time, up to `ASKED_AGAIN`."""

ASKED_AGAIN = 1.0
"""Seconds between questions that find no answer."""

RENEWED = 4.0
RENEWAL_JITTER = 2.0
"""Seconds from an answer to the next question, and how much of them is random (RFC 7675 section 5.1)."""

QUESTION_LASTS = 5.0
"""Seconds that an answer may take. Repetitions of a question meanwhile have its transaction id."""

_random = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class _Question:
    transaction: bytes
    begun: float


class KnownPath:
    """See the module."""

    def __init__(self, path: Path, ufrags: tuple[str, str], now: float) -> None:
        self.path = path
        self.ufrags = ufrags
        """In the latest check that came by it: ours, and the browser's, whose password signs a question."""
        self.checked_at = now
        self._validated_at: float | None = None
        self._received = 0
        self._sent = 0
        self._question: _Question | None = None
        self._due = now
        self._pause = FIRST_ASKED_AGAIN

    def checked(self, ufrags: tuple[str, str], size: int, now: float) -> None:
        """A right check of `size` bytes came by it. Over TCP that is an answer too: nobody sends on a connection
        without having received."""
        self.checked_at = now
        self._received += size
        if self.ufrags != ufrags:
            self.ufrags, self._question, self._due = ufrags, None, now
        if self.path.transport is Transport.TCP:
            self._validated_at = now

    def heard(self, size: int) -> None:
        """`size` bytes of anything came by it."""
        self._received += size

    def is_valid(self, consent: float, now: float) -> bool:
        """Whether somebody there received lately."""
        return self._validated_at is not None and now - self._validated_at <= consent

    def was_valid(self) -> bool:
        """The same, as of the last `lapse`."""
        return self._validated_at is not None

    def lapse(self, now: float) -> None:
        """What came and went before its validation ran out counts no more. Idempotent."""
        if self._validated_at is not None:
            self._validated_at = self._question = None
            self._received = self._sent = 0
            self._due, self._pause = now, FIRST_ASKED_AGAIN

    def allows(self, size: int) -> bool:
        """Whether `size` bytes may be sent there although it is not validated; then they count as sent."""
        allowed = self._sent + size <= AMPLIFICATION * self._received
        if allowed:
            self._sent += size
        return allowed

    def allows_other(self, size: int) -> bool:
        """The same, of what is neither an answer nor a question."""
        return self._sent + size + KEPT <= AMPLIFICATION * self._received and self.allows(size)

    def ask(self, now: float) -> bytes | None:
        """The transaction id of a question that is due now."""
        if self.path.transport is not Transport.UDP or now < self._due:
            return None
        if self._question is None or now - self._question.begun >= QUESTION_LASTS:
            self._question = _Question(secrets.token_bytes(12), now)
        self._due = now + self._pause
        self._pause = min(2 * self._pause, ASKED_AGAIN)
        return self._question.transaction

    def awaits(self, transaction: bytes, now: float) -> bool:
        """Whether an answer with this transaction id was waited for."""
        asked = self._question
        return asked is not None and asked.transaction == transaction and now - asked.begun <= QUESTION_LASTS

    def answered(self, now: float) -> None:
        """It was answered."""
        self._validated_at, self._question = now, None
        self._due = now + RENEWED + _random.random() * RENEWAL_JITTER
        self._pause = ASKED_AGAIN
